package dev.troupe.state;

import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.zip.CRC32;

/**
 * Where a record lies. A key reads {@code route} or {@code route/name}; records of one route always
 * share a partition, so they can be changed together.
 *
 * @param partition the partition, from 0
 * @param key the record's key, unique in the store
 */
public record RecordId(int partition, String key) {
  public RecordId {
    Objects.requireNonNull(key, "key");
    if (partition < 0) {
      throw new IllegalArgumentException("partition must not be negative: " + partition);
    }
  }

  /**
   * The place of a key: CRC-32 (ISO 3309, as in zip) of its route in UTF-8, modulo the number of
   * partitions. Any language can compute it.
   *
   * @param key a record's key
   * @param partitions how many partitions the store has
   * @return the id
   */
  public static RecordId of(String key, int partitions) {
    return new RecordId(partitionOf(key, partitions), key);
  }

  /**
   * The part of a key that decides where its record lies.
   *
   * @param key a record's key
   * @return what stands before the first slash
   */
  public static String route(String key) {
    int slash = key.indexOf('/');
    return slash < 0 ? key : key.substring(0, slash);
  }

  static int partitionOf(String key, int partitions) {
    CRC32 crc = new CRC32();
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      if (c == '/') {
        break;
      }
      if (c >= 0x80) { // the plain way for what is more than one byte long
        int slash = key.indexOf('/');
        crc.reset();
        crc.update((slash < 0 ? key : key.substring(0, slash)).getBytes(StandardCharsets.UTF_8));
        break;
      }
      crc.update(c);
    }
    return (int) (crc.getValue() % partitions);
  }
}
