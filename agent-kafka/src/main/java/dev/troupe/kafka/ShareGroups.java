package dev.troupe.kafka;

import java.util.Set;
import org.apache.kafka.clients.consumer.AcknowledgeType;

/**
 * Which groups of mode SHARED are share groups of Kafka, and what is asked of them.
 *
 * @param names the groups
 * @param consumers how many consumers a feed has at the most
 * @param deliveries how often the brokers must deliver an event at the least
 */
record ShareGroups(Set<String> names, int consumers, int deliveries) {
  ShareGroups {
    names = Set.copyOf(names);
  }

  boolean has(String group) {
    return names.contains(group);
  }

  /** Since kafka-clients 4.2 what is being worked on can be held for longer than one lock. */
  static boolean clientHasThem() {
    for (AcknowledgeType one : AcknowledgeType.values()) {
      if (one.name().equals("RENEW")) {
        return true;
      }
    }
    return false;
  }
}
