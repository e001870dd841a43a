package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.AppenderBase;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/** Secrets that must turn up nowhere, and all that could show them: logs, names, words. */
final class Canaries implements AutoCloseable {
  /** Nothing in it looks like a key. */
  static final String KEY = "goldcrestofthekeyring";

  /** Each with its own word in its midst. */
  static final String PROMPT = "Please tell what the siskinoftheprompt heard today by the river.";

  static final String ANSWER = "It heard that the redpolloftheanswer sings at noon by the weir.";
  static final String ARGUMENT = "a cage for the bullfinchoftheargument, made of willow";
  static final String RESULT = "sold one to the hawfinchoftheresult for eleven crowns";
  static final String HEADER = "route-of-the-twiteoftheheader";

  private static final Map<String, String> WORDS =
      Map.of(
          "key", KEY,
          "prompt", "siskinoftheprompt",
          "answer", "redpolloftheanswer",
          "argument", "bullfinchoftheargument",
          "result", "hawfinchoftheresult",
          "header", "twiteoftheheader");

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final Logger ours = (Logger) LoggerFactory.getLogger("dev.troupe");
  private final Level rootLevel = root.getLevel();
  private final List<Appender<ILoggingEvent>> silenced = new ArrayList<>();
  private final Queue<String> logged = new ConcurrentLinkedQueue<>();
  private final Map<String, String> said = new LinkedHashMap<>();
  private final AppenderBase<ILoggingEvent> ear =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          StringBuilder line = new StringBuilder(event.getLoggerName()).append(": ");
          line.append(event.getFormattedMessage()).append(event.getMDCPropertyMap());
          for (var thrown = event.getThrowableProxy(); thrown != null; thrown = thrown.getCause()) {
            line.append('\n')
                .append(thrown.getClassName())
                .append(": ")
                .append(thrown.getMessage());
            for (var suppressed : thrown.getSuppressed()) {
              line.append('\n').append(suppressed.getMessage());
            }
          }
          logged.add(line.toString());
        }
      };

  /** Listens to all that is logged, by us at every level. */
  Canaries() {
    for (Iterator<Appender<ILoggingEvent>> all = root.iteratorForAppenders(); all.hasNext(); ) {
      silenced.add(all.next());
    }
    silenced.forEach(root::detachAppender);
    root.setLevel(Level.DEBUG);
    ours.setLevel(Level.TRACE);
    ear.start();
    root.addAppender(ear);
  }

  /** An object that is shown to somebody, or may be. */
  <T> T show(String what, T object) {
    said.merge(what, String.valueOf(object), (one, more) -> one + "\n" + more);
    return object;
  }

  /** A failure with its causes, what it suppressed, and their stacks. */
  void show(String what, Throwable thrown) {
    StringWriter stack = new StringWriter();
    thrown.printStackTrace(new PrintWriter(stack, true));
    show(what, stack.toString());
  }

  void show(MeterRegistry meters) {
    for (Meter meter : meters.getMeters()) {
      show("meter", meter.getId().getName());
      show("meter", String.valueOf(meter.getId().getDescription()));
      for (Tag tag : meter.getId().getTags()) {
        show("meter", tag.getKey() + "=" + tag.getValue());
      }
    }
  }

  int linesLogged() {
    return logged.size();
  }

  /**
   * What the AWS SDK itself tells at DEBUG of each event of a stream that it read, and of errors
   * among them. Nobody but a host's configuration of its logging can keep it from that; the
   * documentation says so.
   */
  private static boolean isTheSdksOwn(String line) {
    return line.startsWith("software.amazon.awssdk.awscore.eventstream.")
        || (line.startsWith("software.amazon.awssdk.")
            && line.contains("software.amazon.awssdk.services.bedrockruntime.model."));
  }

  /** Looks through everything. The message says where what was found, without the finds. */
  void areNowhere() {
    logged.stream()
        .filter(line -> !isTheSdksOwn(line))
        .forEach(line -> show("log of " + line.split(":", 2)[0], line));
    List<String> found = new ArrayList<>();
    said.forEach(
        (where, words) ->
            WORDS.forEach(
                (what, canary) -> {
                  for (String form : forms(canary)) {
                    int at = words.indexOf(form);
                    if (at >= 0) {
                      found.add(
                          what + " in " + where + ": " + around(words, at).replace(canary, "<it>"));
                      return;
                    }
                  }
                }));
    assertThat(found).isEmpty();
  }

  private static String around(String words, int at) {
    return words.substring(Math.max(0, at - 200), Math.min(words.length(), at + 100));
  }

  /** As it is, URL-encoded, and in base64 wherever in a longer text it began. */
  private static List<String> forms(String canary) {
    List<String> forms = new ArrayList<>();
    forms.add(canary);
    forms.add(URLEncoder.encode(canary, StandardCharsets.UTF_8));
    for (int before = 0; before < 3; before++) {
      String text = "   ".substring(0, before) + canary;
      String whole = Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
      // the first and the last four letters depend on what is around
      forms.add(whole.substring(4, whole.length() - 4));
    }
    return forms;
  }

  @Override
  public void close() {
    root.detachAppender(ear);
    root.setLevel(rootLevel);
    ours.setLevel(null);
    silenced.forEach(root::addAppender);
  }
}
