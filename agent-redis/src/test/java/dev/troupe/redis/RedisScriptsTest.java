package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What can be seen of the scripts without running them. */
class RedisScriptsTest {
  private static final Pattern CALL = Pattern.compile("call\\('([A-Z]+)'(?:, ([^,)]+))?");

  /**
   * Each of these is a key that was declared, or a local that was set to one and to nothing else.
   */
  private static final Set<String> DECLARED =
      Set.of(
          "head",
          "index",
          "r.at",
          "at",
          "record",
          "group",
          "set",
          "stream",
          "streams",
          "lease",
          "feeds",
          "topic",
          "members",
          "KEYS[1]",
          "KEYS[i]",
          "KEYS[3]",
          "KEYS[f - rates + 1]");

  /** Those whose key is not their first word, with the words up to it. */
  private static final Map<String, Pattern> LATER =
      Map.of(
          "XINFO", Pattern.compile("call\\('XINFO', '[A-Z]+', (\\w+)"),
          "XGROUP", Pattern.compile("call\\('XGROUP', '[A-Z]+', (\\w+)"),
          "XREADGROUP",
              Pattern.compile("call\\('XREADGROUP', [^)]*'STREAMS', (?:unpack\\()?(\\w+)"));

  @ParameterizedTest
  @EnumSource(value = RedisScript.class, names = "PLAIN", mode = EnumSource.Mode.EXCLUDE)
  void everyCommandNamesADeclaredKey(RedisScript script) {
    String text = new String(script.body, UTF_8);
    Matcher calls = CALL.matcher(text);
    Set<String> commands = new TreeSet<>();
    while (calls.find()) {
      commands.add(calls.group(1));
      Pattern later = LATER.get(calls.group(1));
      if (later != null) {
        Matcher whole = later.matcher(text);
        assertThat(whole.find(calls.start())).as(calls.group()).isTrue();
        assertThat(whole.start()).as(calls.group()).isEqualTo(calls.start());
        assertThat(whole.group(1)).isIn(DECLARED);
      } else if (!calls.group(1).equals("TIME")) {
        assertThat(calls.group(2)).as(calls.group()).isIn(DECLARED);
      }
    }
    assertThat(commands).isNotEmpty();
    assertThat(text).doesNotContain("redis.call(c");
  }

  @Test
  void noKeyIsPutTogetherInAScript() throws IOException {
    for (String file : files()) {
      for (String line : read(file).split("\n")) {
        Matcher made =
            Pattern.compile(
                    "\\b(head|index|record|at|stream|lease|feeds|topic|members)\\b.* = (.*)")
                .matcher(line);
        if (made.find() && !line.strip().startsWith("--")) {
          assertThat(made.group(2)).as(file + ": " + line).doesNotContain("..");
        }
      }
    }
  }

  @Test
  void aFileFitsOnAPageOrTwo() throws IOException {
    for (String file : files()) {
      assertThat(read(file).lines().count()).as(file).isLessThanOrEqualTo(120);
    }
  }

  private static List<String> files() {
    return List.of(
        "apply",
        "clock",
        "expired",
        "idle",
        "judge",
        "limit",
        "limits",
        "list",
        "mail",
        "now",
        "peek",
        "places",
        "rate",
        "records",
        "step",
        "stream-append",
        "stream-members",
        "stream-own",
        "plain",
        "stream-read",
        "stream-release",
        "stream-share",
        "stream-topic",
        "stream-trim",
        "sums",
        "take",
        "tick");
  }

  private static String read(String file) throws IOException {
    try (InputStream in = RedisScript.class.getResourceAsStream(file + ".lua")) {
      assertThat(in).as(file).isNotNull();
      return new String(in.readAllBytes(), UTF_8);
    }
  }
}
