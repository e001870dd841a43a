package dev.troupe.redis;

import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Grant;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The keys of a store, and the entries of its index. A partition has one head (a hash), one index
 * (a sorted set whose scores are all 0, so that it is ordered by the bytes of its entries) and a
 * hash for each record; all share the hash tag of the partition, so they lie on one node of a
 * cluster.
 *
 * <p>Immutable.
 */
final class RedisKeys {
  /** Parts names; no name holds it. */
  static final byte SEPARATOR = (byte) 0xFF;

  /** Parts the name of a tag from its value. */
  static final byte EQUALS = (byte) 0xFE;

  private final byte[] meta;
  private final byte[][] bases;
  private final byte[][] heads;
  private final byte[][] indexes;

  RedisKeys(String prefix, int partitions) {
    meta = RedisNames.encode("{" + prefix + "}:meta");
    bases = new byte[partitions][];
    heads = new byte[partitions][];
    indexes = new byte[partitions][];
    for (int i = 0; i < partitions; i++) {
      bases[i] = RedisNames.encode("{" + prefix + ":" + i + "}:");
      heads[i] = join(bases[i], ascii("h"));
      indexes[i] = join(bases[i], ascii("i"));
    }
  }

  /** A hash with what the store was made with. */
  byte[] meta() {
    return meta;
  }

  int partitions() {
    return bases.length;
  }

  /** A fresh list of head and index, to which records can be added. */
  List<byte[]> fixed(int partition) {
    List<byte[]> keys = new ArrayList<>();
    keys.add(head(partition));
    keys.add(index(partition));
    return keys;
  }

  byte[] head(int partition) {
    return heads[checked(partition)];
  }

  byte[] index(int partition) {
    return indexes[checked(partition)];
  }

  byte[] record(int partition, byte[] key) {
    byte[] base = bases[checked(partition)];
    byte[] bytes = Arrays.copyOf(base, base.length + 1 + key.length);
    bytes[base.length] = 'r';
    System.arraycopy(key, 0, bytes, base.length + 1, key.length);
    return bytes;
  }

  private int checked(int partition) {
    if (partition < 0 || partition >= bases.length) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the store has partitions 0 to %d, not %d".formatted(bases.length - 1, partition));
    }
    return partition;
  }

  /** How a record names its holder. */
  static byte[] grant(Grant grant) {
    return RedisNames.with(grant.number() + " ", RedisNames.encode(grant.holder()));
  }

  static Grant grant(byte[] text) {
    int space = indexOf(text, (byte) ' ', 0);
    long number = Long.parseLong(RedisNames.decode(Arrays.copyOf(text, space)));
    return new Grant(RedisNames.decode(Arrays.copyOfRange(text, space + 1, text.length)), number);
  }

  /** Where the entries of a tag begin; with an empty name, those of all records. */
  static byte[] tag(String name, String value) {
    return name.isEmpty()
        ? new byte[] {'t', SEPARATOR}
        : join(
            ascii("t"),
            RedisNames.encode(name),
            new byte[] {EQUALS},
            RedisNames.encode(value),
            new byte[] {SEPARATOR});
  }

  /** Fifteen digits, so that bytes sort as numbers do. */
  static byte[] digits(long number) {
    return ascii("%015d".formatted(number));
  }

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  static int indexOf(byte[] bytes, byte wanted, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] == wanted) {
        return i;
      }
    }
    return -1;
  }
}
