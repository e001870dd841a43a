package dev.troupe.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** What a host gave, checked, and what each kind of client gets of it. */
final class KafkaSettings {
  /** What headers and the form of a record may take beside the bytes that are counted. */
  private static final int HEADROOM = 4_096;

  /** How many records a member of a share group holds at once. */
  private static final int SHARED_TOGETHER = 20;

  /** What kafka-clients refuses for a member of a share group. */
  private static final List<String> NOT_FOR_SHARES =
      List.of(
          "auto.offset.reset",
          "enable.auto.commit",
          "group.instance.id",
          "group.protocol",
          "group.remote.assignor",
          "heartbeat.interval.ms",
          "interceptor.classes",
          "isolation.level",
          "partition.assignment.strategy",
          "session.timeout.ms");

  private static final List<Rule> RULES =
      List.of(
          rule("acks", v -> !v.equals("all") && !v.equals("-1"), "leave it out or set it to all"),
          rule("enable.idempotence", v -> !v.equals("true"), "leave it out or set it to true"),
          rule(
              "max.in.flight.requests.per.connection",
              v -> !v.matches("[1-5]"),
              "leave it out or set at most 5, or retries change the order"),
          rule("retries", v -> v.equals("0"), "leave it out; delivery.timeout.ms says how long"),
          rule("transactional.id", v -> true, "leave it out; no transactions are made"),
          rule("partitioner.class", v -> true, "leave it out, or keys lose their order"),
          rule("partitioner.ignore.keys", v -> v.equals("true"), "leave it out"),
          rule("key.serializer", v -> true, "leave it out"),
          rule("value.serializer", v -> true, "leave it out"),
          rule("key.deserializer", v -> true, "leave it out"),
          rule("value.deserializer", v -> true, "leave it out"),
          rule(
              "enable.auto.commit",
              v -> !v.equals("false"),
              "leave it out or set it to false, or events that nobody finished are lost"),
          rule(
              "auto.offset.reset",
              v -> !v.equals("none"),
              "leave it out; a subscription says where a new group begins"),
          rule("group.id", v -> true, "leave it out; a subscription names its group"),
          rule("group.instance.id", v -> true, "leave it out; a feed that closes leaves at once"),
          rule(
              "allow.auto.create.topics",
              v -> v.equals("true"),
              "leave it out; prepare creates topics when asked to"));

  private static final List<String> NUMBERS =
      List.of(
          "max.poll.interval.ms",
          "delivery.timeout.ms",
          "default.api.timeout.ms",
          "max.request.size");

  private final Map<String, Object> given;
  private final String clients;
  private final AtomicInteger count = new AtomicInteger();

  /** A setting that may not be just anything. */
  private record Rule(String name, Predicate<String> refuses, String fix) {}

  private static Rule rule(String name, Predicate<String> refuses, String fix) {
    return new Rule(name, refuses, fix);
  }

  KafkaSettings(Map<String, ?> given) {
    this.given = new HashMap<>(given);
    Object named = given.get("client.id");
    this.clients =
        (named == null ? "troupe" : named) + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  /** What is wrong, each with what to do; no value is shown. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    String servers = text("bootstrap.servers");
    if (servers == null || servers.isBlank()) {
      problems.add("bootstrap.servers is missing; name one broker or more as host:port");
    }
    for (Rule rule : RULES) {
      String value = text(rule.name);
      if (value != null && rule.refuses.test(value.trim().toLowerCase(Locale.ROOT))) {
        problems.add(rule.name + " can't be what it is; " + rule.fix);
      }
    }
    for (String name : NUMBERS) {
      String value = text(name);
      Long number = value == null ? Long.valueOf(1) : number(value);
      if (number == null || number < 1) {
        problems.add(name + " is no number above 0; give one or leave it out");
      }
    }
    if (!classic()) {
      for (String name :
          List.of("session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy")) {
        if (given.containsKey(name)) {
          problems.add(name + " is the brokers' with group.protocol=consumer; leave it out");
        }
      }
    }
    Long size = longOr("max.request.size", HEADROOM * 2);
    if (size != null && size < HEADROOM * 2) {
      problems.add("max.request.size is too small; give at least " + HEADROOM * 2);
    }
    return problems;
  }

  private @Nullable String text(String name) {
    Object value = given.get(name);
    if (value instanceof Collection<?> many) {
      return many.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
    return value == null ? null : value.toString();
  }

  private static @Nullable Long number(String text) {
    try {
      return Long.valueOf(text.trim());
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private @Nullable Long longOr(String name, long other) {
    String value = text(name);
    return value == null ? Long.valueOf(other) : number(value);
  }

  private Duration millis(String name, long other) {
    Long value = longOr(name, other);
    return Duration.ofMillis(value == null ? other : value);
  }

  /** After which silence of its owner a feed is dead. */
  Duration pollInterval() {
    return millis("max.poll.interval.ms", 300_000);
  }

  /** How long a question to the brokers may take. */
  Duration callLimit() {
    return millis("default.api.timeout.ms", 30_000);
  }

  /** After which time an event that was sent is acknowledged or failed. */
  Duration deliveryLimit() {
    return millis("delivery.timeout.ms", patient() ? 30_000 : 120_000);
  }

  /** Whether the times of the producer, which depend on each other, are left to this. */
  private boolean patient() {
    return !given.containsKey("delivery.timeout.ms")
        && !given.containsKey("request.timeout.ms")
        && !given.containsKey("linger.ms");
  }

  int maxRequest() {
    Long value = longOr("max.request.size", 1 << 20);
    return value == null ? 1 << 20 : (int) Math.min(Integer.MAX_VALUE, value);
  }

  int maxBytes() {
    return maxRequest() - HEADROOM;
  }

  Map<String, Object> producer() {
    Map<String, Object> all = of(ProducerConfig.configNames(), "producer");
    all.put("key.serializer", ByteArraySerializer.class);
    all.put("value.serializer", ByteArraySerializer.class);
    all.put("acks", "all");
    all.put("enable.idempotence", "true");
    all.putIfAbsent("linger.ms", "0");
    all.putIfAbsent("max.block.ms", "15000");
    if (patient()) {
      all.put("request.timeout.ms", "15000");
      all.put("delivery.timeout.ms", "" + deliveryLimit().toMillis());
    }
    return all;
  }

  /** For one member of a group. */
  Map<String, Object> member(String group) {
    Map<String, Object> all = reader("feed");
    all.put("group.id", group);
    if (classic()) {
      all.putIfAbsent("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
    }
    return all;
  }

  /**
   * For one member of a share group; what else such a group may be set to, its brokers are told.
   */
  Map<String, Object> shareMember(String group) {
    Map<String, Object> all = reader("share");
    NOT_FOR_SHARES.forEach(all::remove);
    all.put("group.id", group);
    all.put("share.acknowledgement.mode", "explicit");
    all.put("share.acquire.mode", "record_limit");
    all.put("max.poll.records", "" + SHARED_TOGETHER);
    return all;
  }

  private boolean classic() {
    return !"consumer".equalsIgnoreCase(text("group.protocol"));
  }

  /**
   * Lets Kafka look at the settings.
   *
   * @throws KafkaException when it refuses one, naming its value
   */
  void check() {
    Object unused = List.of(new ProducerConfig(producer()), new ConsumerConfig(member("check")));
  }

  /** For a reader that is in no group. */
  Map<String, Object> reader(String purpose) {
    Map<String, Object> all = of(ConsumerConfig.configNames(), purpose);
    all.put("key.deserializer", ByteArrayDeserializer.class);
    all.put("value.deserializer", ByteArrayDeserializer.class);
    all.put("enable.auto.commit", "false");
    all.put("auto.offset.reset", "none");
    all.put("allow.auto.create.topics", "false");
    all.putIfAbsent("default.api.timeout.ms", "" + callLimit().toMillis());
    return all;
  }

  Map<String, Object> admin() {
    Map<String, Object> all = of(AdminClientConfig.configNames(), "admin");
    all.putIfAbsent("default.api.timeout.ms", "" + callLimit().toMillis());
    all.putIfAbsent("request.timeout.ms", "" + Math.min(15_000, callLimit().toMillis()));
    return all;
  }

  /**
   * What this kind of client knows, and what no kind knows: plug-ins have settings of their own.
   */
  private Map<String, Object> of(Set<String> known, String purpose) {
    Map<String, Object> all = new HashMap<>();
    given.forEach(
        (name, value) -> {
          boolean others =
              ProducerConfig.configNames().contains(name)
                  || ConsumerConfig.configNames().contains(name)
                  || AdminClientConfig.configNames().contains(name);
          if (known.contains(name) || !others) {
            all.put(name, value);
          }
        });
    all.put("client.id", clients + "-" + purpose + "-" + count.incrementAndGet());
    return all;
  }
}
