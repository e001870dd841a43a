package dev.troupe.testkit;

/** A process that starts a cluster and waits to be killed. */
final class KafkaOwner {
  private KafkaOwner() {}

  public static void main(String[] args) throws Exception {
    KafkaCluster kafka = KafkaCluster.start();
    System.out.println("node " + kafka.pid(1));
    System.in.read();
  }
}
