package dev.troupe.llm;

import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers that were given before, for calls that ask for them by {@link CallOptions#cached}. Kept
 * are whole answers that ended by themselves and call no tools. An answer belongs to its request,
 * with all parameters and tools, to the first provider of the chain and its model, and to the
 * tenant: nothing crosses tenants. One that comes from here cost nothing, took no time and has no
 * headers.
 *
 * <p>Bounded: there is a fixed number of places, one for each fingerprint of a request, shared by
 * those that fall together; the newer answer takes the place. An answer that is too old is absent.
 * A store that fails is the same as an empty cache.
 *
 * <p>Safe for use by many threads and processes.
 */
public final class ResponseCache {
  private static final Logger LOG = LoggerFactory.getLogger(ResponseCache.class);

  private final StateStore store;
  private final int places;
  private final Duration maxAge;
  private final Codec codec;
  private final StoreTime time = new StoreTime();

  /** An answer, and whose it is. */
  record Kept(String key, Journaled answer) {}

  private ResponseCache(StateStore store, int places, Duration maxAge, Codec codec) {
    this.store = Objects.requireNonNull(store, "store");
    this.codec = Objects.requireNonNull(codec, "codec");
    this.places = places;
    this.maxAge = maxAge;
    if (places < 1 || maxAge.toMillis() < 1) {
      throw new IllegalArgumentException(
          "a cache has at least one place and keeps answers for at least 1 ms: %d, %s"
              .formatted(places, maxAge));
    }
  }

  /**
   * A cache of this process.
   *
   * @param places how many answers at most
   * @param maxAge how old they may be
   * @return the cache
   */
  public static ResponseCache inMemory(int places, Duration maxAge) {
    return over(new MemoryStateStore(), places, maxAge, Codec.json());
  }

  /**
   * A cache that processes share.
   *
   * @param store where answers lie; not closed by this
   * @param places how many answers at most, the same in all processes
   * @param maxAge how old they may be
   * @param codec how they are written
   * @return the cache
   */
  public static ResponseCache over(StateStore store, int places, Duration maxAge, Codec codec) {
    return new ResponseCache(store, places, maxAge, codec);
  }

  /** The fingerprint of a call. */
  String key(Candidate first, Call call) {
    ChatRequest request = call.request();
    String whole =
        String.join(
            "\n",
            first.provider.name(),
            first.provider.model(),
            call.options().tenant(),
            request.parameters().getClass().getName(),
            request.parameters().toString(),
            ChatMessageSerializer.messagesToJson(request.messages()));
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(whole.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private RecordId place(String key) {
    long hash = Long.parseUnsignedLong(key.substring(0, 15), 16);
    return RecordId.of("$answer-" + hash % places, store.info().partitions());
  }

  @Nullable LlmResponse find(String key) {
    try {
      List<Stored> found = store.scan(new Scan.Rows(place(key), null, 0, 0)).items();
      if (found.isEmpty()
          || !(codec.decode(found.get(0).value(), Kept.class) instanceof Kept kept)
          || !kept.key.equals(key)) {
        return null;
      }
      LlmResponse answer = kept.answer.answer();
      return new LlmResponse(
          answer.response(),
          answer.provider(),
          true,
          Duration.ZERO,
          BigDecimal.ZERO,
          Map.of(),
          List.of());
    } catch (AgentException away) {
      LOG.debug("the cache of answers can't be read: {}", away.code());
      return null;
    }
  }

  void keep(String key, LlmResponse answer) {
    if (!answer.complete()
        || answer.message().hasToolExecutionRequests()
        || answer.response().finishReason() != FinishReason.STOP) {
      return;
    }
    try {
      RecordId place = place(key);
      byte[] value = codec.encode(new Kept(key, Journaled.of(answer)), Kept.class);
      time.learn(store, place);
      Instant expires = Instant.ofEpochMilli(time.millis()).plus(maxAge);
      Edit put = new Edit.Put(place.key(), value, Map.of(), expires);
      Change change = new Change(UUID.randomUUID().toString(), place.partition(), List.of(put));
      time.heard(store.apply(List.of(change)).get(0).now());
    } catch (AgentException away) {
      LOG.debug("an answer could not be kept: {}", away.code());
    }
  }
}
