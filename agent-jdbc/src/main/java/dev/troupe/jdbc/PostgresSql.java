package dev.troupe.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The statements of one store: resource files with the name of its schema and its clock filled in.
 */
final class PostgresSql {
  /** Whole milliseconds of the server's clock, but never before what the process has shown. */
  private static final String SERVER_CLOCK =
      "greatest(?::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

  private static final String FOREIGN_CLOCK = "?::bigint";
  private static final String COLUMNS =
      "id, partition, key, version, mail, last_change, created, expires, place, ready, queue,"
          + " priority, due, wake, lane, turn, holder, grant_number, tags, counters";

  /** How many columns describe a record. */
  static final int WIDTH = 20;

  private static final String NAMES =
      "id, partition, key, version, mail, last_change, created, expires, place, ready, queue,"
          + " priority, due, wake, lane, turn, enters, holder, grant_number, tags, counters, value";
  private static final String TYPES =
      "?::bigint[], ?::integer[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[],"
          + " ?::bigint[], ?::smallint[], ?::boolean[], ?::bytea[], ?::smallint[], ?::bigint[],"
          + " ?::bigint[], ?::bytea[], ?::bigint[], ?::integer[], ?::bytea[], ?::bigint[],"
          + " ?::bytea[], ?::bytea[], ?::bytea[]";
  private static final String RECORD = "{schema}.record r";
  private static final String ALIVE =
      " AND (r.expires IS NULL OR r.expires > (SELECT now FROM clock))";

  final String schema;
  final String step;
  final String steps;
  final String stepsAndCuts;
  final String park;
  final String lock;
  final String look;
  final String dueAnywhere;
  final String dueSomewhere;
  final String named;
  final String heldBy;
  final String claimed;
  final String rows;
  final String recordsFrom;
  final String recordsAfter;
  final String headsFrom;
  final String headsAfter;
  final String values;
  final String ids;
  final String meta;
  final String mark;
  final String expired;
  final String countTags;

  private final String clock;
  private final Map<String, String> write;

  /**
   * Fills in the names.
   *
   * @param schema the schema, quoted
   * @param serverClock whether time is the server's, not what the caller says
   */
  PostgresSql(String schema, boolean serverClock) {
    this.schema = schema;
    clock = serverClock ? SERVER_CLOCK : FOREIGN_CLOCK;
    step = statement("step.sql");
    String several = uncommented(resource("steps.sql"));
    steps = fill(several.replace("{cut}", ""));
    stepsAndCuts = fill(several.replace("{cut}", uncommented(resource("steps-cut.sql"))));
    park = statement("park.sql");
    lock = statement("lock.sql");
    look = statement("look.sql");
    dueAnywhere = claim("claim-due.sql", "true");
    dueSomewhere = claim("claim-due.sql", "false");
    named = claim("claim-named.sql", "");
    heldBy = claim("claim-held.sql", "");
    claimed =
        content(
            "r.id = ANY (?::bigint[]) AND r.place = 2 AND r.holder = ? AND r.grant_number = ?",
            "",
            "");
    rows =
        content(
            "r.partition = ? AND r.key = ?" + ALIVE,
            "AND y.name > ? ORDER BY y.name LIMIT ?",
            "AND y.number > ?");
    String page = " AND r.key < ?" + ALIVE + " ORDER BY r.key LIMIT ?";
    recordsFrom = content("r.partition = ? AND r.key >= ?" + page, "", "");
    recordsAfter = content("r.partition = ? AND r.key > ?" + page, "", "");
    headsFrom = content("r.partition = ? AND r.key >= ?" + page, "AND false", "AND false");
    headsAfter = content("r.partition = ? AND r.key > ?" + page, "AND false", "AND false");
    values = fill("SELECT id, value FROM {schema}.record WHERE id = ANY (?::bigint[])");
    ids = fill("SELECT nextval('{literal}.record_id') FROM generate_series(1, ?)");
    meta = fill("SELECT name, value FROM {schema}.meta");
    mark = statement("mark.sql");
    expired = statement("expired.sql");
    countTags =
        fill(
            "SELECT u.tag, (SELECT count(*) FROM (SELECT FROM {schema}.record_tag x WHERE x.tag ="
                + " u.tag ORDER BY x.created LIMIT 1000) few) FROM unnest(?::bytea[]) AS u (tag)");
    write = sections(resource("write.sql"));
  }

  /** One statement of those that write what a list of changes comes to. */
  String write(String section) {
    return fill(write.getOrDefault(section, ""));
  }

  /** A search: the first tag leads, of the others it is asked whether they are there. */
  String find(int tags) {
    String leads = tags == 0 ? "r." : "t.";
    String id = tags == 0 ? "r.id" : "t.record";
    StringBuilder which =
        new StringBuilder(tags == 0 ? "" : "t.tag = ? AND ")
            .append(leads + "created >= ? AND " + leads + "created < ?")
            .append(" AND (%screated, %s) < (?, ?)".formatted(leads, id))
            .append(ALIVE);
    for (int i = 1; i < tags; i++) {
      which
          // a value, not EXISTS, which would be turned into a join of all records of both tags
          .append(" AND (SELECT true FROM {schema}.record_tag x WHERE x.tag = ?")
          .append(" AND x.created = t.created AND x.record = t.record)");
    }
    which.append(" ORDER BY %screated DESC, %s DESC LIMIT ?".formatted(leads, id));
    String from = "{schema}.record_tag t JOIN {schema}.record r ON r.id = t.record";
    return content(tags == 0 ? RECORD : from, which.toString(), "AND false", "AND false");
  }

  private String content(String which, String ofRows, String ofMail) {
    return content(RECORD, which, ofRows, ofMail);
  }

  private String content(String from, String which, String ofRows, String ofMail) {
    return fill(
        uncommented(resource("content.sql"))
            .replace("{from}", from)
            .replace("{which}", which)
            .replace("{rows}", ofRows)
            .replace("{mail}", ofMail));
  }

  private String claim(String name, String everywhere) {
    return fill(
        uncommented(resource(name))
            .replace("{take}", uncommented(resource("take.sql")))
            .replace("{everywhere}", everywhere));
  }

  private String statement(String name) {
    return fill(uncommented(resource(name)));
  }

  private String fill(String text) {
    return text.replace("{columns}", COLUMNS.replaceAll("(\\w+)", "r.$1"))
        .replace("{picked}", COLUMNS.replaceAll("(\\w+)", "p.$1"))
        .replace("{nothing}", "NULL, ".repeat(WIDTH - 1) + "NULL")
        .replace("{heads}", TYPES)
        .replace("{names}", NAMES)
        .replace("{now}", clock)
        .replace("{literal}", schema.replace("'", "''"))
        .replace("{schema}", schema);
  }

  static String uncommented(String text) {
    return text.replaceAll("(?m)^\\s*--.*\n", "").strip();
  }

  private static Map<String, String> sections(String text) {
    Map<String, String> sections = new HashMap<>();
    for (String part : text.split("(?m)^-- section ", -1)) {
      int line = part.indexOf('\n');
      sections.put(part.substring(0, line).strip(), uncommented(part.substring(line + 1)));
    }
    return sections;
  }

  static String resource(String name) {
    try (InputStream in = PostgresSql.class.getResourceAsStream("postgres/" + name)) {
      if (in == null) {
        throw new IllegalStateException("postgres/" + name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
