package dev.troupe.redis;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The scripts, each put together of resource files, and the names under which Redis has them. */
enum RedisScript {
  STEP("step"),
  APPLY("clock", "tick", "places", "sums", "records", "judge", "apply"),
  PEEK("clock", "idle", "expired", "peek"),
  TAKE("clock", "tick", "expired", "take"),
  LIST("clock", "list"),
  MAIL("clock", "mail"),
  NOW("now"),
  RATE("rate"),
  LIMIT("limit", "limits"),
  STREAM_TOPIC("stream-topic"),
  STREAM_APPEND("stream-append"),
  STREAM_MEMBERS("stream-members"),
  STREAM_OWN("stream-own"),
  STREAM_READ("stream-read"),
  STREAM_NEXT("stream-next"),
  STREAM_RELEASE("stream-release"),
  STREAM_SHARE("stream-share"),
  STREAM_TRIM("stream-trim"),
  PLAIN("plain");

  /** The text. */
  @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it
  final byte[] body;

  /** Its SHA-1 in hexadecimal, as EVALSHA wants it. */
  @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it
  final byte[] sha;

  RedisScript(String... files) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String file : files) {
      String name = file + ".lua";
      try (InputStream in = RedisScript.class.getResourceAsStream(name)) {
        if (in == null) {
          throw new FileNotFoundException(name);
        }
        in.transferTo(all);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    body = all.toByteArray();
    try {
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(body);
      sha = RedisNames.ascii(HexFormat.of().formatHex(digest));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-1", e);
    }
  }
}
