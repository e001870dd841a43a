package dev.troupe.examples.benchmarks;

import dev.troupe.testkit.RedisServer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.resps.StreamGroupInfo;

/** A server that writes everything to disk before it answers: transport and store at once. */
final class ChaosRedis implements ChaosServers {
  private final RedisServer server = RedisServer.builder().appendOnly("always").start();
  private final RedisClient client = RedisClient.create(server.uri());

  @Override
  public String about() {
    return "one Redis server with `appendfsync always`, which keeps events and store";
  }

  @Override
  public int port() {
    return server.port();
  }

  @Override
  public String transport(int through) {
    return "redis://127.0.0.1:" + through;
  }

  @Override
  public String store(int through) {
    return transport(through);
  }

  @Override
  public List<Fault> faults() {
    return List.of(
        new Fault(
            "kill of the server",
            2_500,
            () -> {
              server.kill();
              return server::restart;
            }),
        new Fault(
            "pause of the server",
            6_000,
            () -> {
              server.pause();
              return server::resume;
            }));
  }

  @Override
  public List<Fault> once() {
    return List.of();
  }

  private static String log(int shard) {
    return "{troupe:topic:%s:%d}:log".formatted(ChaosRules.TOPIC, shard);
  }

  @Override
  public void write(int shard, byte[] bytes) {
    byte[] key = log(shard).getBytes(StandardCharsets.UTF_8);
    byte[] name = "data".getBytes(StandardCharsets.UTF_8);
    client.xadd(key, XAddParams.xAddParams(), Map.of(name, bytes));
  }

  @Override
  public long behind(String group) {
    long behind = 0; // where something was not delivered yet, 1 for all of it
    for (int shard = 0; shard < ChaosRules.SHARDS; shard++) {
      String last = client.xinfoStream(log(shard)).getLastGeneratedId().toString();
      for (StreamGroupInfo info : client.xinfoGroups(log(shard))) {
        if (info.getName().equals(group)) {
          boolean all = info.getLastDeliveredId().toString().equals(last);
          behind += info.getPending() + (all ? 0 : 1);
        }
      }
    }
    return behind;
  }

  @Override
  public String left() {
    long entries = 0;
    for (int shard = 0; shard < ChaosRules.SHARDS; shard++) {
      entries += client.xlen(log(shard));
    }
    return "%,d entries of streams that may be trimmed, %,d keys in all"
        .formatted(entries, client.dbSize());
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
