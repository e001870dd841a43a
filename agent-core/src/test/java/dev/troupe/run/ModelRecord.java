package dev.troupe.run;

import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One record of the {@link ModelStore}: immutable, with a hash computed once. Bytes are kept as
 * Latin-1 strings, which compare by content.
 */
final class ModelRecord {
  final RecordId id;
  final String value;
  final Map<String, String> tags;
  final long version;
  final String lastChange;
  final Place place;
  final TreeMap<String, String> rows;
  final List<Letter> mail;
  private final int hash;

  /** One accepted mail; its number is its place in the list, from 1. */
  record Letter(String name, String value) {}

  ModelRecord(
      RecordId id,
      String value,
      Map<String, String> tags,
      long version,
      String lastChange,
      Place place,
      TreeMap<String, String> rows,
      List<Letter> mail) {
    this.id = id;
    this.value = value;
    this.tags = tags;
    this.version = version;
    this.lastChange = lastChange;
    this.place = place;
    this.rows = rows;
    this.mail = mail;
    int h = id.key().hashCode();
    h = 31 * h + value.hashCode();
    h = 31 * h + Long.hashCode(version);
    h = 31 * h + lastChange.hashCode();
    h = 31 * h + place.hashCode();
    h = 31 * h + rows.hashCode();
    this.hash = 31 * h + mail.hashCode();
  }

  static ModelRecord fresh(RecordId id) {
    return new ModelRecord(id, "", Map.of(), 0, "", Place.NONE, new TreeMap<>(), List.of());
  }

  ModelRecord at(Place to, long newVersion, String change) {
    return new ModelRecord(id, value, tags, newVersion, change, to, rows, mail);
  }

  ModelRecord put(Edit.Put put, long newVersion, String change) {
    String bytes = latin(put.value());
    return new ModelRecord(id, bytes, put.tags(), newVersion, change, place, rows, mail);
  }

  ModelRecord changedBy(String change) {
    return change.equals(lastChange) ? this : at(place, version, change);
  }

  ModelRecord row(Edit.Row row) {
    TreeMap<String, String> some = new TreeMap<>(rows);
    byte[] content = row.value();
    if (content == null) {
      some.remove(row.row());
    } else {
      some.put(row.row(), latin(content));
    }
    return new ModelRecord(id, value, tags, version, lastChange, place, some, mail);
  }

  ModelRecord accept(String name, byte[] content) {
    List<Letter> more = new ArrayList<>(mail);
    more.add(new Letter(name, latin(content)));
    return withMail(more);
  }

  ModelRecord withMail(List<Letter> letters) {
    return new ModelRecord(id, value, tags, version, lastChange, place, rows, letters);
  }

  String key() {
    return id.key();
  }

  boolean hasMail(String name) {
    return mail.stream().anyMatch(letter -> letter.name.equals(name));
  }

  boolean hasMailLike(String prefix) {
    return mail.stream().anyMatch(letter -> letter.name.startsWith(prefix));
  }

  boolean isRun() {
    return "run".equals(tags.get(RunRecord.KIND));
  }

  boolean hasEnded() {
    return isRun() && !"live".equals(tags.get(RunRecord.STATE));
  }

  boolean isProcess() {
    return Membership.PROCESS.equals(tags.get(RunRecord.KIND));
  }

  String lane() {
    if (place instanceof Place.Queued queued) {
      return queued.lane();
    }
    return place instanceof Place.Held held ? held.lane() : null;
  }

  Stored head(Instant now) {
    return Stored.builder(id, now)
        .value(bytes(value))
        .version(version, lastChange)
        .tags(tags)
        .place(place)
        .mail(mail.size(), List.of())
        .build();
  }

  Stored whole(Instant now) {
    return upTo(mail.size(), now);
  }

  /** As it was before mail with a higher number came. */
  Stored upTo(long number, Instant now) {
    TreeMap<String, byte[]> all = new TreeMap<>();
    rows.forEach((name, content) -> all.put(name, bytes(content)));
    return Stored.builder(id, now)
        .value(bytes(value))
        .version(version, lastChange)
        .tags(tags)
        .place(place)
        .rows(all)
        .mail(number, items().subList(0, (int) number))
        .build();
  }

  List<Stored.MailItem> items() {
    List<Stored.MailItem> items = new ArrayList<>();
    for (Letter letter : mail) {
      items.add(new Stored.MailItem(items.size() + 1L, letter.name, bytes(letter.value)));
    }
    return items;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static String latin(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  @Override
  public boolean equals(Object other) {
    return other == this
        || other instanceof ModelRecord that
            && hash == that.hash
            && version == that.version
            && id.equals(that.id)
            && value.equals(that.value)
            && lastChange.equals(that.lastChange)
            && place.equals(that.place)
            && rows.equals(that.rows)
            && mail.equals(that.mail);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
