package dev.troupe.redis;

import java.nio.charset.StandardCharsets;

/**
 * Names as bytes that sort as Java's strings do. Each UTF-16 code unit becomes the one to three
 * bytes that UTF-8 has for its number (CESU-8): ASCII stays as it is, characters beyond U+FFFF take
 * six bytes, and half a surrogate pair survives. No name holds the byte 0xFF or 0xFE, which
 * therefore part names.
 */
final class RedisNames {
  private RedisNames() {}

  static byte[] encode(String name) {
    int length = name.length();
    int size = length;
    for (int i = 0; i < length; i++) {
      char c = name.charAt(i);
      if (c >= 0x80) {
        size += c < 0x800 ? 1 : 2;
      }
    }
    if (size == length) {
      return name.getBytes(StandardCharsets.ISO_8859_1);
    }
    byte[] bytes = new byte[size];
    int at = 0;
    for (int i = 0; i < length; i++) {
      char c = name.charAt(i);
      if (c < 0x80) {
        bytes[at++] = (byte) c;
      } else {
        if (c < 0x800) {
          bytes[at++] = (byte) (0xC0 | (c >> 6));
        } else {
          bytes[at++] = (byte) (0xE0 | (c >> 12));
          bytes[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
        }
        bytes[at++] = (byte) (0x80 | (c & 0x3F));
      }
    }
    return bytes;
  }

  static String decode(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return decodeWide(bytes);
      }
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String decodeWide(byte[] bytes) {
    StringBuilder name = new StringBuilder(bytes.length);
    int i = 0;
    while (i < bytes.length) {
      int first = bytes[i++];
      if (first >= 0) {
        name.append((char) first);
      } else if ((first & 0xE0) == 0xC0) {
        name.append((char) (((first & 0x1F) << 6) | (bytes[i++] & 0x3F)));
      } else {
        int high = (first & 0x0F) << 12;
        int middle = (bytes[i++] & 0x3F) << 6;
        name.append((char) (high | middle | (bytes[i++] & 0x3F)));
      }
    }
    return name.toString();
  }

  /** The bytes of a text of ASCII. */
  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A letter and a name. */
  static byte[] with(String before, byte[] name) {
    byte[] bytes = new byte[before.length() + name.length];
    for (int i = 0; i < before.length(); i++) {
      bytes[i] = (byte) before.charAt(i);
    }
    System.arraycopy(name, 0, bytes, before.length(), name.length);
    return bytes;
  }
}
