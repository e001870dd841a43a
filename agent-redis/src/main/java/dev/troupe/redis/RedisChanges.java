package dev.troupe.redis;

import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Sends changes: those of one partition in one script, in their order; all partitions in one round
 * trip. Safe for use by many threads.
 */
final class RedisChanges {
  private static final byte[] NONE = new byte[0];
  private static final byte[] ZERO = ascii("0");
  private static final byte[] ONE = ascii("1");

  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;
  private final RedisSteps steps;

  RedisChanges(RedisLink link, RedisKeys keys, RedisClock clock) {
    this.link = link;
    this.keys = keys;
    this.clock = clock;
    this.steps = new RedisSteps(keys, clock);
  }

  /** Changes of one partition that go in one script. */
  private static final class Group {
    final int partition;
    final List<Integer> places = new ArrayList<>(2);
    int edits;
    boolean steps = true;

    Group(int partition) {
      this.partition = partition;
    }

    List<Change> of(List<Change> changes) {
      return changes.size() == 1 ? changes : places.stream().map(changes::get).toList();
    }
  }

  List<Outcome> apply(List<Change> changes) {
    Change first = changes.get(0);
    if (changes.size() == 1 && RedisSteps.fits(first)) {
      int partition = first.partition();
      return steps.outcomes(partition, changes, link.run(steps.call(partition, changes)));
    }
    Outcome[] outcomes = new Outcome[changes.size()];
    int sent = 0;
    // nearly always one wave; no script makes more edits than one change may have
    while (sent < changes.size()) {
      Map<Integer, Group> groups = new LinkedHashMap<>();
      while (sent < changes.size() && join(groups, changes.get(sent), sent)) {
        sent++;
      }
      send(changes, List.copyOf(groups.values()), outcomes);
    }
    return Arrays.asList(outcomes);
  }

  private static boolean join(Map<Integer, Group> groups, Change change, int place) {
    Group group = groups.computeIfAbsent(change.partition(), Group::new);
    if (group.edits + change.edits().size() > StoreInfo.MAX_EDITS) {
      return false;
    }
    group.places.add(place);
    group.edits += change.edits().size();
    group.steps &= RedisSteps.fits(change);
    return true;
  }

  private void send(List<Change> changes, List<Group> groups, Outcome[] outcomes) {
    List<RedisLink.Call> calls = new ArrayList<>(groups.size());
    for (Group group : groups) {
      List<Change> some = group.of(changes);
      calls.add(group.steps ? steps.call(group.partition, some) : call(group.partition, some));
    }
    List<Object> answers = link.run(calls);
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      List<Change> some = group.of(changes);
      List<Outcome> of =
          group.steps
              ? steps.outcomes(group.partition, some, answers.get(g))
              : outcomes(some, (List<?>) answers.get(g));
      for (int i = 0; i < of.size(); i++) {
        outcomes[group.places.get(i)] = of.get(i);
      }
    }
  }

  private RedisLink.Call call(int partition, List<Change> changes) {
    List<byte[]> touched = keys.fixed(partition);
    List<byte[]> words = new ArrayList<>();
    words.add(clock.offset());
    words.add(number(changes.size()));
    Map<String, byte[]> known = new HashMap<>();
    for (Change change : changes) {
      words.add(RedisNames.encode(change.id()));
      int lines = words.size();
      words.add(NONE);
      for (Edit edit : change.edits()) {
        line(edit, place(change, edit, known, touched), words);
      }
      words.set(lines, number(words.size() - lines - 1));
    }
    return new RedisLink.Call(RedisScript.APPLY, touched, words);
  }

  /** The place of an edit's record among the keys of the script, which it joins when it is new. */
  private byte[] place(Change change, Edit edit, Map<String, byte[]> known, List<byte[]> touched) {
    byte[] place = known.get(edit.key());
    if (place == null) {
      touched.add(keys.record(change.partition(), RedisNames.encode(edit.key())));
      place = number(touched.size());
      known.put(edit.key(), place);
    }
    return place;
  }

  private static void line(Edit edit, byte[] place, List<byte[]> words) {
    if (edit instanceof Edit.Absent) {
      add(words, 'A', place);
    } else if (edit instanceof Edit.AtVersion guard) {
      add(words, 'V', place, number(guard.version()));
    } else if (edit instanceof Edit.Held guard) {
      add(words, 'H', place, RedisKeys.grant(guard.grant()));
    } else if (edit instanceof Edit.NoMailAfter guard) {
      add(words, 'N', place, number(guard.mail()));
    } else if (edit instanceof Edit.NoRow guard) {
      add(words, 'O', place, field("r:", guard.row()));
    } else if (edit instanceof Edit.Put put) {
      Instant expires = put.expires();
      byte[] until = expires == null ? NONE : RedisKeys.digits(expires.toEpochMilli());
      add(words, 'P', place, put.value(), packed(put.tags()), until);
    } else if (edit instanceof Edit.Row row) {
      byte[] value = row.value();
      if (value != null) {
        add(words, 'R', place, field("r:", row.row()), value);
      } else {
        add(words, 'D', place, field("r:", row.row()));
      }
    } else if (edit instanceof Edit.Mail mail) {
      byte[] content =
          RedisKeys.join(
              RedisNames.encode(mail.row()), new byte[] {RedisKeys.SEPARATOR}, mail.value());
      add(words, 'M', place, field("n:", mail.row()), content, mail.urgent() ? ONE : ZERO);
    } else if (edit instanceof Edit.Add sum) {
      byte[] counter = field("c:", sum.counter());
      add(words, 'C', place, counter, number(sum.delta()), number(sum.atLeast()));
    } else if (edit instanceof Edit.Queue queue) {
      String lane = queue.lane();
      add(
          words,
          'Q',
          place,
          RedisNames.encode(queue.queue()),
          number(queue.priority()),
          number(queue.due().toEpochMilli()),
          lane == null ? NONE : RedisNames.encode(lane),
          number(queue.wakeAtMail()));
    } else if (edit instanceof Edit.Release) {
      add(words, 'L', place);
    } else if (edit instanceof Edit.Delete) {
      add(words, 'X', place);
    }
  }

  private static void add(List<byte[]> words, char letter, byte[]... more) {
    words.add(new byte[] {(byte) letter});
    words.addAll(Arrays.asList(more));
  }

  private static byte[] field(String kind, String name) {
    return RedisNames.with(kind, RedisNames.encode(name));
  }

  private static byte[] number(long number) {
    return ascii(Long.toString(number));
  }

  /** Sorted, so that equal tags are equal bytes. */
  private static byte[] packed(Map<String, String> tags) {
    if (tags.isEmpty()) {
      return NONE;
    }
    List<byte[]> parts = new ArrayList<>();
    new TreeMap<>(tags)
        .forEach(
            (name, value) -> {
              parts.add(RedisNames.encode(name));
              parts.add(new byte[] {RedisKeys.EQUALS});
              parts.add(RedisNames.encode(value));
              parts.add(new byte[] {RedisKeys.SEPARATOR});
            });
    return RedisKeys.join(parts.toArray(byte[][]::new));
  }

  private List<Outcome> outcomes(List<Change> changes, List<?> answer) {
    Instant now = clock.shown(number(answer.get(0)));
    List<Outcome> outcomes = new ArrayList<>(changes.size());
    for (int i = 0; i < changes.size(); i++) {
      outcomes.add(outcome(changes.get(i), (List<?>) answer.get(i + 1), now));
    }
    return outcomes;
  }

  private static Outcome outcome(Change change, List<?> answer, Instant now) {
    if (number(answer.get(0)) == 0) {
      Edit because = change.edits().get((int) number(answer.get(1)));
      List<?> found = (List<?>) answer.get(2);
      RecordId id = new RecordId(change.partition(), because.key());
      Stored shown = found.isEmpty() ? null : RedisRecord.head(found).head(id, now);
      return new Outcome.Refused(now, because, shown);
    }
    Set<String> named = new LinkedHashSet<>();
    for (Edit edit : change.edits()) {
      named.add(edit.key());
    }
    List<Outcome.Seen> seen = new ArrayList<>(named.size());
    int at = 1;
    for (String key : named) {
      byte[] grant = (byte[]) answer.get(at + 3);
      seen.add(
          new Outcome.Seen(
              key,
              number(answer.get(at)),
              number(answer.get(at + 1)),
              number(answer.get(at + 2)) == 1,
              grant.length == 0 ? null : RedisKeys.grant(grant)));
      at += 4;
    }
    return new Outcome.Done(now, seen);
  }

  /** Removes records that have expired; those that have not stay. */
  void bury(Map<Integer, List<byte[]>> expired) {
    List<RedisLink.Call> calls = new ArrayList<>();
    expired.forEach(
        (partition, names) -> {
          List<byte[]> touched = keys.fixed(partition);
          List<byte[]> words = new ArrayList<>();
          words.addAll(List.of(clock.offset(), ONE, NONE, number(2L * names.size())));
          for (byte[] name : names) {
            touched.add(keys.record(partition, name));
            add(words, 'E', number(touched.size()));
          }
          calls.add(new RedisLink.Call(RedisScript.APPLY, touched, words));
        });
    link.run(calls);
  }

  /** A number of an answer, which scripts give as a number or as the text they read. */
  static long number(Object answer) {
    return answer instanceof byte[] text
        ? Long.parseLong(RedisNames.decode(text))
        : ((Number) answer).longValue();
  }
}
