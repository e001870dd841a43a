package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.EventTransport.Problem;
import dev.troupe.event.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has to be so before a feed of a share group opens: client and brokers have share groups, the
 * brokers deliver an event often enough, and the group has a beginning in every partition. Left to
 * the brokers, a new group would begin where its first fetch finds the end.
 */
final class ShareStart {
  private static final Logger LOG = LoggerFactory.getLogger(ShareStart.class);
  private static final String LIMIT = "share.delivery.count.limit";
  private static final String LOCK = "share.record.lock.duration.ms";
  private static final String RENEW = "share.renew.acknowledge.enable";
  private static final String RESET = "share.auto.offset.reset";
  private static final String FIRST = "earliest";

  private final KafkaTopics topics;
  private final ShareGroups wanted;
  private final String group;
  private final List<Problem> problems = new ArrayList<>();
  private int deliveries = 5;
  private Duration lock = Duration.ofSeconds(30);
  private String reset = "latest";

  ShareStart(KafkaTopics topics, ShareGroups wanted, String group) {
    this.topics = topics;
    this.wanted = wanted;
    this.group = group;
  }

  String group() {
    return group;
  }

  /** How often the brokers deliver an event before they give it up. */
  int deliveries() {
    return deliveries;
  }

  /** For how long a delivery belongs to who got it, unless that is renewed. */
  Duration lock() {
    return lock;
  }

  /** What is wrong with client, brokers and the group's settings. */
  List<Problem> problems() {
    problems.clear();
    if (!ShareGroups.clientHasThem()) {
      add(
          "this version of kafka-clients can't renew what a share group holds",
          "use kafka-clients 4.2 or later, or do not name the group in shareGroups");
      return problems;
    }
    try {
      if (level() < 1) {
        add(
            "the brokers have no share groups",
            "use brokers 4.2 or later and set their feature share.version to 1, or do not name the"
                + " group in shareGroups");
        return problems;
      }
      settings();
    } catch (AuthorizationException e) {
      add(
          "its settings can't be seen, so not how often its events are delivered",
          "allow the client's principal DescribeConfigs on the group");
    } catch (KafkaException e) {
      add(KafkaErrors.advice(e), "look at bootstrap.servers and the brokers");
    }
    return problems;
  }

  private void add(String what, String fix) {
    problems.add(new Problem("group " + group, what, fix));
  }

  private int level() {
    FinalizedVersionRange found =
        KafkaErrors.await(topics.admin.describeFeatures().featureMetadata(), topics.limit)
            .finalizedFeatures()
            .get("share.version");
    return found == null ? 0 : found.maxVersionLevel();
  }

  private void settings() {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
    Config settings =
        KafkaErrors.await(topics.admin.describeConfigs(List.of(resource)).all(), topics.limit)
            .get(resource);
    deliveries = Integer.parseInt(value(settings, LIMIT, "5"));
    lock = Duration.ofMillis(Long.parseLong(value(settings, LOCK, "30000")));
    reset = value(settings, RESET, "latest");
    if (deliveries < wanted.deliveries()) {
      add(
          "its events are delivered %d times at the most, and are lost after that where %d are needed"
              .formatted(deliveries, wanted.deliveries()),
          "set its %s to %d, or group.%s on the brokers"
              .formatted(LIMIT, Math.max(10, wanted.deliveries()), LIMIT));
    }
    if (value(settings, RENEW, "true").equals("false")) {
      add("what it holds can't be renewed", "set its " + RENEW + " to true");
    }
  }

  private static String value(@Nullable Config settings, String name, String other) {
    ConfigEntry entry = settings == null ? null : settings.get(name);
    String value = entry == null ? null : entry.value();
    return value == null ? other : value;
  }

  /**
   * Looks whether feeds can be opened, and sees to it that topics to come are read whole.
   *
   * @throws AgentException when something has to be changed before
   */
  void check() {
    if (!problems().isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, problems.stream().map(Problem::toString).toList().toString());
    }
    if (!reset.equals(FIRST)) {
      beginAtTheFirst();
    }
  }

  /**
   * Only an empty group can be given beginnings. What one at work takes up begins where its
   * settings say when a broker first looks there, so they must say it long before.
   */
  private void beginAtTheFirst() {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
    AlterConfigOp set = new AlterConfigOp(new ConfigEntry(RESET, FIRST), AlterConfigOp.OpType.SET);
    try {
      Object unused =
          KafkaErrors.await(
              topics.admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all(),
              topics.limit);
      reset = FIRST;
    } catch (AuthorizationException e) {
      LOG.debug("group {} may not be set; topics to come may need it", group);
    }
  }

  /**
   * Fixes where the group begins in partitions that it does not know.
   *
   * @param from topics, each with where the group begins in it if nobody has joined it before
   * @param all their partitions
   * @throws AgentException when something has to be changed before
   */
  void begin(Map<String, Position> from, List<TopicPartition> all) {
    // the ends are asked for before: of two that open at once the older ones may be the last
    // written
    Map<TopicPartition, Long> begins = new HashMap<>();
    from.forEach(
        (topic, position) -> {
          List<TopicPartition> some =
              all.stream().filter(one -> one.topic().equals(topic)).toList();
          begins.putAll(GroupStart.begins(topics, position, some));
        });
    Map<TopicPartition, Long> missing = missing(all, known(), begins);
    if (missing.isEmpty()) {
      return;
    }
    try {
      Object unused =
          KafkaErrors.await(
              topics.admin.alterShareGroupOffsets(group, missing).all(), topics.limit);
    } catch (GroupNotEmptyException e) {
      beginAtWork(from, all, begins);
    }
  }

  private Map<TopicPartition, Long> missing(
      List<TopicPartition> all, Set<TopicPartition> known, Map<TopicPartition, Long> begins) {
    Set<String> joined = joined(known);
    Map<TopicPartition, Long> missing = new HashMap<>();
    for (TopicPartition one : all) {
      if (!known.contains(one)) {
        // a partition that was added later: the group has a right to all of it
        missing.put(one, joined.contains(one.topic()) ? 0L : begins.getOrDefault(one, 0L));
      }
    }
    return missing;
  }

  private static Set<String> joined(Set<TopicPartition> known) {
    return known.stream().map(TopicPartition::topic).collect(Collectors.toSet());
  }

  /** The group has members; it may have got its beginnings from them a moment ago. */
  private void beginAtWork(
      Map<String, Position> from, List<TopicPartition> all, Map<TopicPartition, Long> begins) {
    Set<TopicPartition> known = known();
    Set<TopicPartition> missing = missing(all, known, begins).keySet();
    if (missing.isEmpty()) {
      return;
    }
    if (!reset.equals(FIRST)) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s is at work and has no beginning in %s; set its %s to %s, or allow the client's"
                  .formatted(group, missing, RESET, FIRST)
              + " principal AlterConfigs on it, or stop its members once");
    }
    Set<String> joined = joined(known);
    List<TopicPartition> later =
        missing.stream()
            .filter(one -> !joined.contains(one.topic()))
            .filter(one -> !(from.get(one.topic()) instanceof Position.Start))
            .toList();
    if (!later.isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s is at work and can begin in %s with the first event only; stop its members once,"
                  .formatted(group, later)
              + " or subscribe from the start");
    }
  }

  private Set<TopicPartition> known() {
    Set<TopicPartition> known = new HashSet<>();
    try {
      Map<TopicPartition, SharePartitionOffsetInfo> found =
          KafkaErrors.await(
              topics
                  .admin
                  .listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec()))
                  .partitionsToOffsetInfo(group),
              topics.limit);
      found.forEach(
          (one, info) -> {
            // where nothing was handed out yet it begins with the first event, if that is set
            if (info != null && (info.startOffset() >= 0 || reset.equals(FIRST))) {
              known.add(one);
            }
          });
    } catch (GroupIdNotFoundException e) {
      return known; // nobody has joined it yet
    }
    return known;
  }
}
