package dev.troupe.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;

/**
 * The floor of events: Jedis that appends the same fields to as many streams in pipelines, and
 * reads them as one consumer of a group, with the acknowledgements in the pipeline of the next
 * read.
 */
final class RawStreams implements AutoCloseable {
  private static final int READ = 100;

  private final RedisClient client;
  private final List<byte[]> streams = new ArrayList<>();
  private final byte[] data;

  /** Told of each entry that came, with its field {@code time}. */
  interface Sink {
    void came(byte[] time);
  }

  RawStreams(int port, int shards, byte[] data) {
    this.data = data;
    client =
        RedisClient.builder()
            .hostAndPort(new HostAndPort("127.0.0.1", port))
            .clientConfig(DefaultJedisClientConfig.builder().protocol(RedisProtocol.RESP2).build())
            .build();
    String name = UUID.randomUUID().toString();
    for (int i = 0; i < shards; i++) {
      streams.add(bytes("{" + name + ":" + i + "}:log"));
      client.executeCommand(
          command(
              new CommandArguments(Command.XGROUP)
                  .add("CREATE")
                  .key(streams.get(i))
                  .add("g")
                  .add("$")
                  .add("MKSTREAM")));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static CommandObject<Object> command(CommandArguments words) {
    return new CommandObject<>(words, BuilderFactory.RAW_OBJECT);
  }

  /** Appends events from a number on, all in one pipeline. */
  void append(int from, int count, byte[] time) {
    try (Pipeline pipeline = client.pipelined()) {
      for (int i = from; i < from + count; i++) {
        pipeline.executeCommand(xadd(i, time));
      }
      pipeline.sync();
    }
  }

  /** Appends one event and waits for the answer. */
  void append(int number, byte[] time) {
    client.executeCommand(xadd(number, time));
  }

  private CommandObject<Object> xadd(int i, byte[] time) {
    return command(
        new CommandArguments(Command.XADD)
            .key(streams.get(i % streams.size()))
            .add("*")
            .add("specversion")
            .add("1.0")
            .add("id")
            .add("1f0c5a1e93b94c54a3b1c1c3b7f4a9d2-" + i)
            .add("source")
            .add("/troupe")
            .add("type")
            .add("tick")
            .add("time")
            .add(time)
            .add("partitionkey")
            .add("k" + i % 64)
            .add("data")
            .add(data));
  }

  /** Reads and acknowledges until so many came. */
  void consume(int count, Sink sink) {
    List<List<byte[]>> done = new ArrayList<>();
    streams.forEach(s -> done.add(new ArrayList<>()));
    int came = 0;
    boolean blocks = false;
    while (came < count) {
      Object answer;
      if (blocks) {
        answer = client.executeCommand(read(true));
      } else {
        try (Pipeline pipeline = client.pipelined()) {
          for (int i = 0; i < streams.size(); i++) {
            if (!done.get(i).isEmpty()) {
              CommandArguments words = new CommandArguments(Command.XACK).key(streams.get(i));
              words.add("g");
              done.get(i).forEach(words::add);
              done.get(i).clear();
              pipeline.executeCommand(command(words));
            }
          }
          Response<Object> response = pipeline.executeCommand(read(false));
          pipeline.sync();
          answer = response.get();
        }
      }
      int before = came;
      if (answer instanceof List<?> some) {
        for (Object one : some) {
          came += take((List<?>) one, done, sink);
        }
      }
      blocks = came == before;
    }
  }

  private CommandObject<Object> read(boolean blocks) {
    CommandArguments words =
        new CommandArguments(Command.XREADGROUP)
            .add("GROUP")
            .add("g")
            .add("c")
            .add("COUNT")
            .add(READ);
    if (blocks) {
      words.add("BLOCK").add(100);
    }
    words.add("STREAMS");
    streams.forEach(words::key);
    streams.forEach(s -> words.add(">"));
    return command(words);
  }

  private int take(List<?> stream, List<List<byte[]>> done, Sink sink) {
    byte[] name = (byte[]) stream.get(0);
    int at = 0;
    while (!java.util.Arrays.equals(name, streams.get(at))) {
      at++;
    }
    List<?> entries = (List<?>) stream.get(1);
    for (Object entry : entries) {
      List<?> parts = (List<?>) entry;
      done.get(at).add((byte[]) parts.get(0));
      sink.came((byte[]) ((List<?>) parts.get(1)).get(9));
    }
    return entries.size();
  }

  /** Throughput of one that appends and one that reads at the same time. */
  double throughput(int events, int together) {
    long began = System.nanoTime();
    AtomicLong bytes = new AtomicLong();
    CompletableFuture<Void> consumer =
        CompletableFuture.runAsync(
            () -> consume(events, time -> bytes.addAndGet(time.length)),
            task -> new Thread(task, "consumer").start());
    byte[] time = bytes("2026-11-21T10:15:30.123Z");
    for (int from = 0; from < events; from += together) {
      append(from, together, time);
    }
    consumer.join();
    return events * 1e9 / (System.nanoTime() - began);
  }

  @Override
  public void close() {
    streams.forEach(client::del);
    client.close();
  }
}
