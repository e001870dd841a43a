package dev.troupe.kafka;

import static java.util.stream.Collectors.joining;

import dev.troupe.AgentException;
import dev.troupe.event.EventTransport.Problem;
import dev.troupe.event.EventTransport.Topic;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/** Looks at topics before anything depends on them, and creates those that are asked for. */
final class KafkaPreparation {
  private static final long WEEK_MILLIS = 7 * 24 * 3_600_000L;
  private static final int SURE = 2;

  private final KafkaTopics topics;
  private final Wanted wanted;

  /**
   * What topics must be like.
   *
   * @param shards how many partitions a new one gets by default
   * @param replicas how many replicas a new one gets; 0 for the brokers' default
   * @param replicated whether a write must be on two machines
   * @param maxRequest the largest request of the producer, in bytes
   * @param access what has to be allowed on it
   * @param shares which groups are share groups
   */
  record Wanted(
      int shards,
      int replicas,
      boolean replicated,
      int maxRequest,
      Set<AclOperation> access,
      ShareGroups shares) {}

  KafkaPreparation(KafkaTopics topics, Wanted wanted) {
    this.topics = topics;
    this.wanted = wanted;
  }

  List<Problem> prepare(List<Topic> all, boolean create) {
    List<Problem> problems = new ArrayList<>();
    for (Topic topic : all) {
      String where = "topic " + topic.name();
      try {
        check(topic, found(topic, create), problems);
      } catch (UnknownTopicOrPartitionException e) {
        problems.add(new Problem(where, "it does not exist", "create it, or prepare with create"));
      } catch (AuthorizationException e) {
        problems.add(
            new Problem(
                where,
                create ? "access or its creation is denied" : "access is denied",
                "allow the client's principal Describe and "
                    + wanted.access.stream().map(KafkaPreparation::name).collect(joining(" and "))
                    + " on "
                    + topic.name()
                    + (create ? ", and Create where it is to be created" : "")));
      } catch (KafkaException e) {
        problems.add(
            new Problem(where, KafkaErrors.advice(e), "look at bootstrap.servers and the brokers"));
      } catch (AgentException e) {
        problems.add(
            new Problem(where, String.valueOf(e.getMessage()), "look at the brokers, then again"));
      }
    }
    for (String group : wanted.shares.names()) {
      problems.addAll(new ShareStart(topics, wanted.shares, group).problems());
    }
    return problems;
  }

  private TopicDescription found(Topic topic, boolean create) {
    try {
      return topics.describe(topic.name());
    } catch (UnknownTopicOrPartitionException e) {
      if (!create) {
        throw e;
      }
    }
    create(topic);
    topics.awaitCreated(topic.name());
    return topics.describe(topic.name());
  }

  private void create(Topic topic) {
    int shards = topic.shards() == 0 ? wanted.shards : topic.shards();
    Optional<Short> replicas =
        wanted.replicas == 0 ? Optional.empty() : Optional.of((short) wanted.replicas);
    Map<String, String> settings = new HashMap<>();
    // the brokers' clock tells when an event was appended, not that of whoever sent it
    settings.put("message.timestamp.type", "LogAppendTime");
    if (!topic.keep().isZero()) {
      settings.put("retention.ms", "" + Math.max(WEEK_MILLIS, topic.keep().toMillis()));
    }
    NewTopic made = new NewTopic(topic.name(), Optional.of(shards), replicas).configs(settings);
    try {
      Object unused =
          KafkaErrors.await(topics.admin.createTopics(List.of(made)).all(), topics.limit);
    } catch (TopicExistsException e) {
      return; // another process was first
    }
  }

  private void check(Topic topic, TopicDescription found, List<Problem> problems) {
    String where = "topic " + topic.name();
    int shards = found.partitions().size();
    if (topic.shards() != 0 && topic.shards() != shards) {
      problems.add(
          new Problem(
              where,
              "it has %d partitions, not %d".formatted(shards, topic.shards()),
              "ask for as many as it has, or for 0; more partitions would tear keys apart"));
    }
    access(where, found, problems);
    Config settings = settings(topic, problems);
    if (settings != null) {
      new TopicCheck(where, problems, settings).run(topic, found);
    }
  }

  private void access(String where, TopicDescription found, List<Problem> problems) {
    Set<AclOperation> allowed = found.authorizedOperations();
    if (allowed == null) {
      return; // the brokers do not tell
    }
    Set<AclOperation> lacking = EnumSet.copyOf(wanted.access);
    lacking.removeAll(allowed);
    for (AclOperation one : lacking) {
      String name = name(one);
      problems.add(
          new Problem(
              where,
              "access is denied to " + (one == AclOperation.READ ? "read" : "append"),
              "allow the client's principal " + name + " on it, by an ACL"));
    }
  }

  private static String name(AclOperation one) {
    return one == AclOperation.READ ? "Read" : "Write";
  }

  private @Nullable Config settings(Topic topic, List<Problem> problems) {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
    try {
      return KafkaErrors.await(topics.admin.describeConfigs(List.of(resource)).all(), topics.limit)
          .get(resource);
    } catch (AuthorizationException e) {
      if (wanted.replicated || !topic.keep().isZero()) {
        problems.add(
            new Problem(
                "topic " + topic.name(),
                "its settings can't be seen, so neither how long it keeps events nor on how many"
                    + " machines",
                "allow the client's principal DescribeConfigs on it"));
      }
      return null;
    }
  }

  /** What a topic's settings lack. */
  private final class TopicCheck {
    private final String where;
    private final List<Problem> problems;
    private final Config settings;

    TopicCheck(String where, List<Problem> problems, Config settings) {
      this.where = where;
      this.problems = problems;
      this.settings = settings;
    }

    private void add(String what, String fix) {
      problems.add(new Problem(where, what, fix));
    }

    void run(Topic topic, TopicDescription found) {
      long keep = number("retention.ms", -1);
      if (keep >= 0 && keep < topic.keep().toMillis()) {
        add(
            "it keeps events for %d ms, not %d".formatted(keep, topic.keep().toMillis()),
            "raise its retention.ms, or ask for less");
      }
      if (text("cleanup.policy").contains("compact")) {
        add(
            "it is compacted: of a key only the last event is kept",
            "set its cleanup.policy to delete");
      }
      long largest = number("max.message.bytes", Integer.MAX_VALUE);
      if (largest < wanted.maxRequest) {
        add(
            "it takes %d bytes at most, and the transport sends up to %d"
                .formatted(largest, wanted.maxRequest),
            "raise its max.message.bytes, or lower max.request.size");
      }
      replication(found, number("min.insync.replicas", 1));
    }

    private void replication(TopicDescription found, long needed) {
      int replicas = Integer.MAX_VALUE;
      int inSync = Integer.MAX_VALUE;
      for (TopicPartitionInfo one : found.partitions()) {
        replicas = Math.min(replicas, one.replicas().size());
        inSync = Math.min(inSync, one.isr().size());
      }
      if (replicas < needed) {
        add(
            "it has %d replica(s) and min.insync.replicas %d: nothing can be appended"
                .formatted(replicas, needed),
            "give it more replicas, or lower its min.insync.replicas");
      } else if (inSync < needed) {
        add(
            "%d replica(s) are in sync and min.insync.replicas is %d: nothing can be appended now"
                .formatted(inSync, needed),
            "look why brokers are away");
      }
      if (wanted.replicated && (needed < SURE || replicas <= needed)) {
        add(
            "it has %d replica(s) and min.insync.replicas %d, so an event may be on one machine only"
                .formatted(replicas, needed),
            "give it 3 replicas and min.insync.replicas 2, or do not say replicated()");
      }
    }

    private long number(String name, long other) {
      String value = text(name);
      return value.isEmpty() ? other : Long.parseLong(value);
    }

    private String text(String name) {
      ConfigEntry entry = settings.get(name);
      String value = entry == null ? null : entry.value();
      return value == null ? "" : value;
    }
  }
}
