package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sentence 13: limits. */
abstract class LimitContract extends ReadContract {
  private static final String TOO_LONG = "\u4e2d".repeat(StoreInfo.MAX_NAME + 1);
  private static final String LONGEST = TOO_LONG.substring(1);
  private static final String NAME_LIMIT = "" + StoreInfo.MAX_NAME;

  @Guarantee(13)
  void g13_contentOverTheLimitIsAnErrorThatNamesIt() {
    byte[] tooBig = filled(StoreInfo.MAX_BYTES + 1);
    done(put("r/queued", "v"), queue("r/queued"));
    for (Edit edit :
        List.of(
            new Edit.Put("r/a", tooBig, Map.of(), null),
            new Edit.Row("r/a", "x", tooBig),
            new Edit.Mail("r/queued", "m", tooBig, false))) {
      assertOverLimit("" + StoreInfo.MAX_BYTES, put("r/a", "v"), edit);
    }
    assertThat(read("r/queued").mailNumber()).isZero();
  }

  @Guarantee(13)
  void g13_aNameOverTheLimitIsAnErrorThatNamesIt() {
    String key = "r/" + TOO_LONG.substring(2);
    Edit.Row good = row("r/a", "x", "y");
    assertOverLimit(NAME_LIMIT, good, put(key, "v"));
    assertOverLimit(NAME_LIMIT, new Edit.Absent(key), good);
    assertOverLimit(NAME_LIMIT, good, row("r/a", TOO_LONG, "v"));
    assertOverLimit(NAME_LIMIT, good, mail("r/a", TOO_LONG));
    assertOverLimit(NAME_LIMIT, good, new Edit.Queue("r/a", TOO_LONG, 1, LONG_AGO, null, 1));
    assertOverLimit(NAME_LIMIT, good, lane("r/a", TOO_LONG));
    assertOverLimit(NAME_LIMIT, good, tagged(Map.of(TOO_LONG, "v")));
    assertOverLimit(NAME_LIMIT, good, tagged(Map.of("t", TOO_LONG)));
  }

  @Guarantee(13)
  void g13_tooManyTagsAreAnErrorThatNamesTheLimit() {
    assertOverLimit("" + StoreInfo.MAX_TAGS, tagged(tags(StoreInfo.MAX_TAGS + 1)));
  }

  @Guarantee(13)
  void g13_tooManyEditsAreAnErrorThatNamesTheLimit() {
    assertOverLimit("" + StoreInfo.MAX_EDITS, edits(StoreInfo.MAX_EDITS + 1));
  }

  @Guarantee(13)
  void g13_aChangeWithoutEditsIsAnError() {
    Change empty = new Change(freshId(), 0, List.of());
    assertThatThrownBy(() -> store.apply(List.of(change(put("r/good", "v")), empty)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(empty.id());
    assertThat(absent("r/good")).isTrue();
  }

  private void assertOverLimit(String limit, Edit... edits) {
    Change bad = change(edits);
    List<Change> changes = List.of(change(put("r/good", "v")), bad, change(put("r/good", "w")));
    assertThatThrownBy(() -> store.apply(changes))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
        .hasMessageContaining(bad.id())
        .hasMessageContaining(limit);
    assertThat(absent("r/good")).as("the changes around it").isTrue();
    assertThat(absent("r/a")).as("the lines around it").isTrue();
  }

  @Guarantee(13)
  void g13_contentOfExactlyTheLimitIsKept() {
    byte[] biggest = filled(StoreInfo.MAX_BYTES);
    done(new Edit.Put("r/a", biggest, Map.of(), null), queue("r/a"));
    done(new Edit.Row("r/a", "x", biggest), new Edit.Mail("r/a", "m", biggest, false));
    Stored claimed = claimDue(1, QUEUE).get(0);
    for (Stored seen : List.of(claimed, read("r/a"))) {
      assertThat(Arrays.equals(seen.value(), biggest)).isTrue();
      assertThat(Arrays.equals(seen.rows().get("x"), biggest)).isTrue();
      assertThat(Arrays.equals(seen.mail().get(0).value(), biggest)).isTrue();
    }
  }

  @Guarantee(13)
  void g13_namesTagsAndEditsOfExactlyTheLimitAreKept() {
    String key = "r/" + LONGEST.substring(2);
    Map<String, String> tags = tags(StoreInfo.MAX_TAGS);
    done(
        new Edit.Put(key, bytes("v"), tags, null),
        new Edit.Queue(key, LONGEST, 1, LONG_AGO, LONGEST, Long.MAX_VALUE),
        row(key, LONGEST, "v"),
        mail(key, LONGEST));
    assertThat(keys(claimDue(1, LONGEST))).containsExactly(key);
    assertThat(read(key).rows()).containsOnlyKeys(LONGEST);
    assertThat(read(key).mail()).extracting(Stored.MailItem::name).containsExactly(LONGEST);
    assertThat(read(key).tags()).isEqualTo(tags);
    done(edits(StoreInfo.MAX_EDITS));
    assertThat(read("r/a").rows()).hasSize(StoreInfo.MAX_EDITS);
  }

  private static byte[] filled(int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (i * 31);
    }
    return bytes;
  }

  private static Edit.Put tagged(Map<String, String> tags) {
    return new Edit.Put("r/a", bytes("v"), tags, null);
  }

  private static Map<String, String> tags(int number) {
    Map<String, String> tags = new HashMap<>();
    for (int i = 0; i < number; i++) {
      tags.put(i == 0 ? LONGEST : "tag-" + i, LONGEST);
    }
    return tags;
  }

  private static Edit[] edits(int number) {
    List<Edit> edits = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      edits.add(row("r/a", "row-" + i, "v"));
    }
    return edits.toArray(new Edit[0]);
  }
}
