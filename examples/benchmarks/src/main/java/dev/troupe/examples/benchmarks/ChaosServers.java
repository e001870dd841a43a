package dev.troupe.examples.benchmarks;

import java.util.List;
import java.util.function.Supplier;

/** The servers that the chaos of events goes over, and what can be done to them. */
interface ChaosServers extends AutoCloseable {
  /**
   * Something that is done to a server.
   *
   * @param name for reports
   * @param atMostMillis after which time it is healed at the latest
   * @param begin does it, and gives what heals it, which may take a while
   */
  record Fault(String name, int atMostMillis, Supplier<Runnable> begin) {}

  /** In the words of a report. */
  String about();

  /** The port behind which a proxy may stand. */
  int port();

  /** The transport for clients that go through a port. */
  String transport(int through);

  /** The store for clients that go through a port. */
  String store(int through);

  /** What to do at random. One at a time is done. */
  List<Fault> faults();

  /** What to do once, in the middle; empty for nothing. */
  List<Fault> once();

  /** Somebody else's client writes bytes into a shard. */
  void write(int shard, byte[] bytes) throws Exception;

  /** How many entries a group has not settled, as the server has it. */
  long behind(String group) throws Exception;

  /** What the servers hold at the end, for the report. */
  String left() throws Exception;

  @Override
  void close();
}
