package dev.troupe.providers.langchain;

import dev.langchain4j.agentic.scope.AgenticScopeKey;
import dev.langchain4j.agentic.scope.AgenticScopeSerializer;
import dev.langchain4j.agentic.scope.AgenticScopeStore;
import dev.langchain4j.agentic.scope.DefaultAgenticScope;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the scopes of langchain4j's agentic module in a {@code StateStore}: give it to {@code
 * AgenticScopePersister.setStore}. Memory ids are kept as text. A scope that two processes change
 * at the same time is the last one's, as that module writes whole scopes and knows no versions.
 *
 * <p>That module's JSON names Java types, which it instantiates on reading: only who may write code
 * may write to the store.
 *
 * <p>Safe for use by many threads.
 */
public final class StoredAgenticScopes implements AgenticScopeStore {
  private static final Map<String, String> TAGS = Map.of("troupe", "scope");
  private static final int PAGE = 200;

  private final StateStore store;
  private final Codec codec;

  /** As it is stored. */
  private record Kept(String agent, String memory, String json) {}

  /**
   * Keeps scopes as JSON.
   *
   * @param store where; not closed by this
   */
  public StoredAgenticScopes(StateStore store) {
    this(store, Codec.json());
  }

  /**
   * Keeps scopes.
   *
   * @param store where; not closed by this
   * @param codec what scopes are encoded by
   */
  public StoredAgenticScopes(StateStore store, Codec codec) {
    this.store = Objects.requireNonNull(store, "store");
    this.codec = Objects.requireNonNull(codec, "codec");
  }

  @Override
  public boolean save(AgenticScopeKey key, DefaultAgenticScope scope) {
    Kept kept =
        new Kept(
            key.agentId(), String.valueOf(key.memoryId()), AgenticScopeSerializer.toJson(scope));
    RecordId id = place(key);
    apply(id, new Edit.Put(id.key(), codec.encode(kept, Kept.class), TAGS, null));
    return true;
  }

  @Override
  public Optional<DefaultAgenticScope> load(AgenticScopeKey key) {
    return look(place(key)).map(kept -> AgenticScopeSerializer.fromJson(kept.json()));
  }

  @Override
  public boolean delete(AgenticScopeKey key) {
    RecordId id = place(key);
    boolean there = look(id).isPresent();
    apply(id, new Edit.Delete(id.key()));
    return there;
  }

  @Override
  public Set<AgenticScopeKey> getAllKeys() {
    Set<AgenticScopeKey> keys = new HashSet<>();
    String cursor = null;
    do {
      Page<Stored> page = store.find(new Find(TAGS, null, null, cursor, PAGE));
      for (Stored found : page.items()) {
        Kept kept = decode(found);
        keys.add(new AgenticScopeKey(kept.agent(), kept.memory()));
      }
      cursor = page.next();
    } while (cursor != null);
    return keys;
  }

  private Optional<Kept> look(RecordId id) {
    List<Stored> items = store.scan(Scan.mailAfter(id, Long.MAX_VALUE)).items();
    return items.isEmpty() ? Optional.empty() : Optional.of(decode(items.get(0)));
  }

  private Kept decode(Stored stored) {
    @Nullable Object kept = codec.decode(stored.value(), Kept.class);
    if (kept instanceof Kept known) {
      return known;
    }
    throw new AgentException(
        ErrorCode.UNDECODABLE, "the scope in " + stored.id().key() + " can't be read");
  }

  private void apply(RecordId id, Edit edit) {
    store.apply(List.of(new Change(UUID.randomUUID().toString(), id.partition(), List.of(edit))));
  }

  private RecordId place(AgenticScopeKey key) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest((key.agentId() + "\n" + key.memoryId()).getBytes(StandardCharsets.UTF_8));
      return RecordId.of(
          "$scope:" + HexFormat.of().formatHex(hash, 0, 16), store.info().partitions());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
