package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has a feed read the topics that fit a group's patterns. Which topics were there when the group
 * first named a pattern is kept in the store: those begin as if they had been named, all others
 * were made later and are read from their first event on, whoever finds them and when. For the
 * thread that polls.
 */
final class Following {
  private static final Logger LOG = LoggerFactory.getLogger(Following.class);

  private final StoreAccess access;
  private final Subscription subscription;
  private final List<TopicPattern> patterns;
  private final long every;
  private final Set<String> read = new HashSet<>();
  private final Map<TopicPattern, Set<String>> before = new HashMap<>();
  private final AtomicReference<@Nullable String> problem = new AtomicReference<>();
  private long next = System.nanoTime();

  /** What is kept of a pattern beside the topics, a line for each. */
  private record Note(int format, String group, String pattern) {}

  Following(
      StoreAccess access, Subscription subscription, List<TopicPattern> patterns, Duration every) {
    this.access = access;
    this.subscription = subscription;
    this.patterns = patterns;
    this.every = every.toNanos();
    read.addAll(subscription.topics());
  }

  /** Whether it is time to look. */
  boolean due() {
    return !patterns.isEmpty() && System.nanoTime() - next >= 0;
  }

  List<String> problems() {
    String why = problem.get();
    return why == null
        ? List.of()
        : List.of(
            "group %s can't look for topics that fit %s: %s"
                .formatted(subscription.group(), patterns, why));
  }

  /** Looks once, and fails when it can't. */
  Set<String> first(Feed feed) {
    next = System.nanoTime() + every;
    return patterns.isEmpty() ? Set.of() : look(feed, new HashMap<>());
  }

  /** Looks; what can't be done now is done later. */
  Set<String> again(Feed feed) {
    Map<String, Position> chosen = new HashMap<>();
    Set<String> found = new TreeSet<>();
    try {
      found.addAll(look(feed, chosen));
      problem.set(null);
    } catch (AgentException e) {
      failed(e);
      // so that one that can't be read does not keep others from being read
      chosen.forEach((topic, from) -> found.addAll(alone(feed, topic, from)));
    }
    next = System.nanoTime() + every;
    return found;
  }

  private Set<String> look(Feed feed, Map<String, Position> chosen) {
    Set<String> now =
        feed.follow(
            there -> {
              chosen.putAll(choice(there));
              return chosen;
            });
    return noted(now);
  }

  private Set<String> alone(Feed feed, String topic, Position from) {
    try {
      return noted(feed.follow(there -> Map.of(topic, from)));
    } catch (AgentException e) {
      failed(e);
      return Set.of();
    }
  }

  private Set<String> noted(Set<String> now) {
    read.addAll(now);
    return now;
  }

  private void failed(AgentException e) {
    if (problem.getAndSet(e.getMessage()) == null) {
      LOG.warn(
          "group {} can't look for topics that fit {}: {}",
          subscription.group(),
          patterns,
          e.toString());
    }
  }

  private Map<String, Position> choice(Set<String> there) {
    Map<String, Position> chosen = new HashMap<>();
    boolean remembers = subscription.mode() != Mode.EVERYONE;
    for (TopicPattern pattern : patterns) {
      List<String> fitting = there.stream().filter(pattern::fits).toList();
      Set<String> old = remembers ? before(pattern, fitting) : Set.of();
      for (String topic : fitting) {
        if (!read.contains(topic)) {
          boolean later = remembers && !old.contains(topic);
          chosen.merge(
              topic,
              later ? Position.START : subscription.from(),
              (one, other) -> one instanceof Position.Start ? one : other);
        }
      }
    }
    return chosen;
  }

  /** The topics that were there when the group first named the pattern. */
  private Set<String> before(TopicPattern pattern, List<String> now) {
    Set<String> known = before.get(pattern);
    if (known != null) {
      return known;
    }
    String group = subscription.group();
    RecordId id = access.id("$pattern:" + Hash.of(group + " " + pattern));
    Stored found = access.look(id, true);
    if (found == null) {
      Note note = new Note(1, group, pattern.toString());
      List<Edit> edits = new ArrayList<>();
      edits.add(new Edit.Absent(id.key()));
      edits.addAll(
          Parked.Content.edits(
              id.key(),
              Codec.json().encode(note, Note.class),
              String.join("\n", now).getBytes(StandardCharsets.US_ASCII),
              Map.of("troupe", "pattern", "group", group)));
      access.apply(id.partition(), edits);
      found = access.look(id, true); // somebody else may have been faster
    }
    Set<String> topics = found == null ? Set.copyOf(now) : decode(found);
    before.put(pattern, topics);
    return topics;
  }

  private static Set<String> decode(Stored found) {
    Parked.Content content = Parked.Content.of(found);
    Object note = Codec.json().decode(content.line(), Note.class);
    if (!(note instanceof Note known) || known.format() != 1) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH,
          found.id().key() + " was written by another version of the library");
    }
    String lines = new String(content.rest(), StandardCharsets.US_ASCII);
    return lines.isEmpty() ? Set.of() : Set.copyOf(List.of(lines.split("\n")));
  }
}
