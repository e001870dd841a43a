package dev.troupe.llm;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The form of budget records in a store: lines of a name and a value, read in any order. */
final class BudgetLines {
  private static final int MOST_TEXT = 500;

  private final StringBuilder text = new StringBuilder();

  BudgetLines add(String name, @Nullable Object value) {
    if (value != null) {
      text.append(name).append(' ').append(value).append('\n');
    }
    return this;
  }

  BudgetLines add(@Nullable Budget budget) {
    if (budget != null) {
      add("tokens", budget.tokens());
      BigDecimal money = budget.money();
      add("money", money == null ? null : money.toPlainString());
      add("calls", budget.calls());
      Duration time = budget.time();
      add("time", time == null ? null : time.toMillis());
    }
    return this;
  }

  byte[] encode() {
    return text.toString().getBytes(UTF_8);
  }

  /** What was read. Names that nobody asks for are passed over. */
  static final class Read {
    private final String key;
    private final Map<String, String> values = new HashMap<>();

    Read(String key, byte[] bytes) {
      this.key = key;
      for (String line : new String(bytes, UTF_8).split("\n", -1)) {
        int space = line.indexOf(' ');
        if (space > 0) {
          values.put(line.substring(0, space), line.substring(space + 1));
        }
      }
    }

    @Nullable String text(String name) {
      return values.get(name);
    }

    /** A value that an account or budget can't be without; unreadable is not the same as absent. */
    <T> @Nullable T value(String name, Function<String, T> parse) {
      String value = values.get(name);
      if (value == null) {
        return null;
      }
      try {
        return parse.apply(value);
      } catch (IllegalArgumentException | DateTimeException broken) {
        throw new AgentException(
            ErrorCode.UNDECODABLE,
            "the record %s has a line '%s' that can't be read; correct or delete it"
                .formatted(key, name),
            broken);
      }
    }

    long number(String name) {
      Long number = value(name, Long::valueOf);
      return number == null ? 0 : number;
    }

    @Nullable Budget budget() {
      Long tokens = value("tokens", Long::valueOf);
      BigDecimal money = value("money", BigDecimal::new);
      Long calls = value("calls", Long::valueOf);
      Long millis = value("time", Long::valueOf);
      Duration time = millis == null ? null : Duration.ofMillis(millis);
      return tokens == null && money == null && calls == null && time == null
          ? null
          : new Budget(tokens, money, calls, time);
    }
  }

  /** One line of what people wrote. */
  static String oneLine(String text) {
    String line = text.replaceAll("[\\p{Cntrl}\\p{Cs}\u0085\u2028\u2029]+", " ").strip();
    return line.length() <= MOST_TEXT ? line : line.substring(0, MOST_TEXT) + "…";
  }
}
