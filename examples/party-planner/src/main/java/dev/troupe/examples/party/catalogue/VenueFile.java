package dev.troupe.examples.party.catalogue;

import java.math.BigDecimal;
import java.time.DayOfWeek;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads the venues, a CSV file as in RFC 4180 with comment lines that begin with {@code #}. */
final class VenueFile {
  private static final List<String> COLUMNS =
      List.of(
          "id",
          "name",
          "city",
          "country",
          "type",
          "setting",
          "capacity",
          "ageNotes",
          "hirePrice",
          "pricePerGuest",
          "currency",
          "accessible",
          "amenities",
          "kidFriendly",
          "closedDays",
          "rating");

  private final String file;
  private final Map<String, Integer> columns = new HashMap<>();
  private final Map<String, City> cities = new HashMap<>();

  private VenueFile(String file, List<City> cities) {
    this.file = file;
    cities.forEach(city -> this.cities.put(city.name(), city));
  }

  static Map<String, List<Venue>> read(String file, String text, List<City> cities) {
    return new VenueFile(file, cities).rows(text.lines().toList());
  }

  private Map<String, List<Venue>> rows(List<String> lines) {
    Map<String, List<Venue>> venues = new LinkedHashMap<>();
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank() || lines.get(i).startsWith("#")) {
        continue;
      }
      List<String> cells = cells(lines.get(i));
      if (columns.isEmpty()) {
        header(cells);
        continue;
      }
      Row row = new Row(i + 1, cells);
      if (!ids.add(row.text("id"))) {
        throw row.wrong("id", "stands there twice");
      }
      City city = cities.get(row.text("city"));
      if (city == null) {
        throw row.wrong("city", "is not in cities.yaml: '" + row.text("city") + "'");
      }
      venues.computeIfAbsent(city.id(), none -> new ArrayList<>()).add(row.venue());
    }
    venues.replaceAll((city, list) -> List.copyOf(list));
    return venues;
  }

  private void header(List<String> cells) {
    for (int i = 0; i < cells.size(); i++) {
      columns.put(cells.get(i), i);
    }
    for (String column : COLUMNS) {
      if (!columns.containsKey(column)) {
        throw new DataException(file + ": the header lacks the column '" + column + "'");
      }
    }
  }

  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quoted && c == '"' && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        cell.append('"');
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        cells.add(cell.toString());
        cell.setLength(0);
      } else {
        cell.append(c);
      }
    }
    cells.add(cell.toString());
    return cells;
  }

  private final class Row {
    private final int line;
    private final List<String> cells;

    Row(int line, List<String> cells) {
      this.line = line;
      this.cells = cells;
      if (cells.size() != columns.size()) {
        throw new DataException(
            "%s: line %d has %d cells, the header has %d"
                .formatted(file, line, cells.size(), columns.size()));
      }
    }

    DataException wrong(String field, String problem) {
      return new DataException("%s: line %d: field '%s' %s".formatted(file, line, field, problem));
    }

    String optional(String field) {
      Integer column = columns.get(field);
      return column == null ? "" : cells.get(column).strip();
    }

    String text(String field) {
      String text = optional(field);
      if (text.isEmpty()) {
        throw wrong(field, "is missing");
      }
      return text;
    }

    BigDecimal number(String field) {
      try {
        BigDecimal number = new BigDecimal(text(field));
        if (number.signum() >= 0) {
          return number;
        }
      } catch (NumberFormatException e) {
        // said below
      }
      throw wrong(field, "must be a number of at least 0, is '" + text(field) + "'");
    }

    int count(String field) {
      try {
        return number(field).intValueExact();
      } catch (ArithmeticException e) {
        throw wrong(field, "must be a whole number, is '" + text(field) + "'");
      }
    }

    boolean flag(String field) {
      return switch (text(field)) {
        case "true" -> true;
        case "false" -> false;
        default -> throw wrong(field, "must be true or false, is '" + text(field) + "'");
      };
    }

    List<String> list(String field) {
      return optional(field).isEmpty() ? List.of() : List.of(optional(field).split(";"));
    }

    Venue venue() {
      if (!text("currency").equals("EUR")) {
        throw wrong("currency", "must be EUR, is '" + text("currency") + "'");
      }
      Setting setting =
          switch (text("setting")) {
            case "indoor" -> Setting.INDOOR;
            case "outdoor" -> Setting.OUTDOOR;
            case "both" -> Setting.ANY;
            default ->
                throw wrong(
                    "setting", "must be indoor, outdoor or both, is '" + text("setting") + "'");
          };
      return new Venue(
          text("id"),
          text("name"),
          text("type"),
          setting,
          admission(),
          new Price(Money.of(number("hirePrice")), Money.of(number("pricePerGuest"))),
          list("amenities"),
          number("rating").movePointRight(1).intValue());
    }

    private Venue.Admission admission() {
      List<DayOfWeek> closed = new ArrayList<>();
      for (String day : list("closedDays")) {
        try {
          closed.add(DayOfWeek.valueOf(day.strip().toUpperCase(Locale.ROOT)));
        } catch (IllegalArgumentException e) {
          throw wrong("closedDays", "must hold weekdays, holds '" + day + "'");
        }
      }
      String notes = optional("ageNotes");
      int after = notes.indexOf(" after ");
      int hour = after < 0 ? 0 : whole(notes.substring(after + 7).replace(":00", ""));
      return new Venue.Admission(
          count("capacity"),
          after < 0 ? ages(notes) : Ages.ALL,
          hour,
          flag("kidFriendly"),
          flag("accessible"),
          closed);
    }

    private Ages ages(String notes) {
      if (notes.isEmpty()) {
        return Ages.ALL;
      }
      int dash = notes.indexOf('-');
      if (dash > 0) {
        return new Ages(whole(notes.substring(0, dash)), whole(notes.substring(dash + 1)));
      }
      if (notes.endsWith("+")) {
        return new Ages(whole(notes.substring(0, notes.length() - 1)), Ages.ALL.max());
      }
      throw wrong(
          "ageNotes", "must be like '18+', '2-12' or '18+ after 21:00', is '" + notes + "'");
    }

    private int whole(String digits) {
      try {
        return Integer.parseInt(digits);
      } catch (NumberFormatException e) {
        throw wrong("ageNotes", "holds no number where one belongs: '" + digits + "'");
      }
    }
  }
}
