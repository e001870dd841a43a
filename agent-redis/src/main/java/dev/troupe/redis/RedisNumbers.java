package dev.troupe.redis;

/** Numbers parted by spaces, one after another. Not safe for several threads. */
final class RedisNumbers {
  private final byte[] text;
  private int at;

  RedisNumbers(byte[] text) {
    this.text = text;
  }

  long next() {
    boolean negative = text[at] == '-';
    at += negative ? 1 : 0;
    long number = 0;
    while (at < text.length && text[at] != ' ') {
      number = number * 10 + text[at++] - '0';
    }
    at++;
    return negative ? -number : number;
  }
}
