package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Sentences 4 and 5: mail, and what it wakes. */
abstract class MailContract extends VersionContract {
  @Guarantee(4)
  void g04_mailIsNumberedFromOneInTheOrderOfAcceptance() {
    done(put("r/a", "v"), queue("r/a"));
    assertThat(only(done(mail("r/a", "zebra"))).mail()).isEqualTo(1);
    assertThat(only(done(mail("r/a", "mule"), mail("r/a", "ape"))).mail()).isEqualTo(3);
    take("me", "r/a");
    assertThat(only(done(mail("r/a", "bear"))).mail()).isEqualTo(4);
    assertThat(only(done(new Edit.NoRow("r/a", "x"))).mail()).isEqualTo(4);
    Stored read = read("r/a");
    assertThat(read.mailNumber()).isEqualTo(4);
    assertThat(read.mail())
        .extracting(m -> m.number() + " " + m.name() + " " + text(m.value()))
        .containsExactly(
            "1 zebra content of zebra",
            "2 mule content of mule",
            "3 ape content of ape",
            "4 bear content of bear");
  }

  @Guarantee(4)
  void g04_mailToAnEndedRecordIsDroppedAndTheOutcomeSaysSo() {
    createHeld("me", "r/a");
    done(new Edit.Release("r/a"));
    assertDropped("r/a");
  }

  @Guarantee(4)
  void g04_mailToPlainDataAndToAnAbsentRecordIsDroppedAndTheOutcomeSaysSo() {
    done(put("r/a", "v"));
    assertDropped("r/a");
    assertDropped("r/none");
    assertThat(absent("r/none")).isTrue();
  }

  private void assertDropped(String key) {
    Outcome.Done done = done(urgent(key, "m"), row("r/other", "x", "y"));
    assertThat(done.seen().get(0).mailAccepted()).isFalse();
    assertThat(done.seen().get(0).mail()).isZero();
    assertThat(done.seen().get(1).mailAccepted()).isTrue();
    assertThat(rows("r/other")).containsKey("x");
  }

  @Guarantee(4)
  void g04_droppedMailTakesNoNumberAndMayBeSentAgainLater() {
    done(put("r/a", "v"));
    done(mail("r/a", "m"));
    done(queue("r/a"));
    assertThat(read("r/a").mail()).isEmpty();
    Outcome.Seen seen = only(done(mail("r/a", "m")));
    assertThat(seen.mailAccepted()).isTrue();
    assertThat(seen.mail()).isEqualTo(1);
    done(new Edit.Release("r/a"));
    done(mail("r/a", "n"));
    done(queue("r/a"));
    assertThat(only(done(mail("r/a", "o"))).mail()).isEqualTo(2);
    assertThat(read("r/a").mail())
        .extracting(m -> m.number() + " " + m.name())
        .containsExactly("1 m", "2 o");
  }

  @Guarantee(4)
  void g04_mailOfOneNameIsAcceptedOnceAndTheFirstContentStays() {
    done(put("r/a", "v"), queue("r/a"));
    done(new Edit.Mail("r/a", "m", bytes("first"), false));
    Outcome.Seen again = only(done(new Edit.Mail("r/a", "m", bytes("second"), false)));
    assertThat(again.mailAccepted()).isTrue();
    assertThat(again.mail()).isEqualTo(1);
    done(mail("r/a", "n"));
    assertThat(only(done(new Edit.Mail("r/a", "m", bytes("third"), false))).mail()).isEqualTo(2);
    assertThat(read("r/a").mail())
        .extracting(m -> m.number() + " " + text(m.value()))
        .containsExactly("1 first", "2 content of n");
    done(row("r/a", "m", "a row of the same name is no mail"));
    assertThat(read("r/a").mail()).hasSize(2);
  }

  @Guarantee(4)
  void g04_mailAcceptedEarlierIsStillCalledAcceptedAfterTheEnd() {
    done(put("r/a", "v"), queue("r/a"), mail("r/a", "m"));
    done(new Edit.Release("r/a"));
    Outcome.Seen again = only(done(mail("r/a", "m")));
    assertThat(again.mailAccepted()).isTrue();
    assertThat(again.mail()).isEqualTo(1);
    assertThat(only(done(mail("r/a", "m"), mail("r/a", "new"))).mailAccepted()).isFalse();
  }

  @Guarantee(4)
  void g04_mailSeesTheLinesBeforeItInItsChange() {
    Outcome.Seen created = only(done(put("r/a", "v"), queue("r/a"), mail("r/a", "m")));
    assertThat(created.mailAccepted()).isTrue();
    assertThat(created.mail()).isEqualTo(1);
    Outcome.Seen ended = only(done(new Edit.Release("r/a"), mail("r/a", "n")));
    assertThat(ended.mailAccepted()).isFalse();
    assertThat(ended.mail()).isEqualTo(1);
  }

  @Guarantee(4)
  void g04_mailOfManySendersIsNumberedWithoutGapsAndStartsAnewForANewRecord() {
    done(put("r/a", "v"), queue("r/a"));
    List<Callable<List<Long>>> senders = new ArrayList<>();
    for (int s = 0; s < 8; s++) {
      int sender = s;
      senders.add(
          () -> {
            List<Long> numbers = new ArrayList<>();
            for (int i = 0; i < 25; i++) {
              numbers.add(only(done(mail("r/a", sender + "-" + i))).mail());
            }
            return numbers;
          });
    }
    for (List<Long> numbers : together(senders)) {
      assertThat(numbers).isSorted().doesNotHaveDuplicates();
    }
    assertThat(read("r/a").mail())
        .extracting(Stored.MailItem::number)
        .containsExactlyElementsOf(LongStream.rangeClosed(1, 200).boxed().toList());
    assertThat(read("r/a").mail()).extracting(Stored.MailItem::name).doesNotHaveDuplicates();
    done(new Edit.Delete("r/a"));
    assertThat(only(done(queue("r/a"), mail("r/a", "0-0"))).mail()).isEqualTo(1);
  }

  @Guarantee(5)
  void g05_urgentMailMakesAQueuedRecordDueAtOnce() {
    parked("r/a", Long.MAX_VALUE);
    parked("r/b", Long.MAX_VALUE);
    Outcome.Done done = done(urgent("r/a", "m"));
    assertWoken("r/a", done.now());
    assertThat(dueKeys()).containsExactly("r/a");
  }

  @Guarantee(5)
  void g05_mailThatReachesItsNumberMakesAQueuedRecordDueAtOnce() {
    parked("r/a", 2);
    done(mail("r/a", "one"));
    assertThat(dueKeys()).isEmpty();
    assertWoken("r/a", done(mail("r/a", "two")).now());
    assertThat(dueKeys()).containsExactly("r/a");
    parked("r/a", 3);
    done(mail("r/a", "three"), mail("r/a", "four"));
    assertThat(dueKeys()).containsExactly("r/a");
  }

  @Guarantee(5)
  void g05_otherMailWakesNobody() {
    parked("r/a", 3);
    parked("r/b", Long.MAX_VALUE);
    for (String name : List.of("one", "two")) {
      done(mail("r/a", name), mail("r/b", name));
    }
    assertThat(dueKeys()).isEmpty();
  }

  @Guarantee(5)
  void g05_mailInTheSameChangeAsTheQueueingWakes() {
    Instant late = now().plus(LATER);
    done(put("r/a", "v"), queue("r/a", late), urgent("r/a", "m"));
    done(put("r/b", "v"), new Edit.Queue("r/b", QUEUE, 1, late, null, 1), mail("r/b", "m"));
    done(put("r/c", "v"), queue("r/c", late), mail("r/c", "m"));
    assertThat(dueKeys()).containsExactlyInAnyOrder("r/a", "r/b");
  }

  @Guarantee(5)
  void g05_mailToAHeldRecordWakesNothingThatIsQueuedLater() {
    Grant grant = createHeld("me", "r/a");
    done(urgent("r/a", "m"));
    done(new Edit.Held("r/a", grant), queue("r/a", now().plus(LATER)));
    assertThat(dueKeys()).isEmpty();
  }

  @Guarantee(5)
  void g05_aWokenRecordKeepsItsQueueAndPriority() {
    Instant late = now().plus(LATER);
    done(put("r/a", "v"), new Edit.Queue("r/a", "elsewhere", 2, late, null, Long.MAX_VALUE));
    done(urgent("r/a", "m"));
    Place.Queued place = (Place.Queued) read("r/a").place();
    assertThat(place.queue()).isEqualTo("elsewhere");
    assertThat(dueKeys()).isEmpty();
    assertThat(keys(claimDue(1, "elsewhere"))).containsExactly("r/a");
  }

  @Guarantee(5)
  void g05_parkingAndMailNeverMissEachOther() {
    for (int round = 0; round < 200; round++) {
      String key = "r/round-" + round;
      Grant grant = createHeld("me", key);
      Instant late = now().plus(LATER);
      Outcome parked =
          this.<@Nullable Outcome>both(
                  () ->
                      send(
                          change(
                              new Edit.Held(key, grant),
                              new Edit.NoMailAfter(key, 0),
                              new Edit.Queue(key, QUEUE, 1, late, null, 1))),
                  () -> {
                    assertThat(only(done(mail(key, "m"))).mailAccepted()).isTrue();
                    return null;
                  })
              .get(0);
      if (parked instanceof Outcome.Done) {
        assertThat(dueKeys()).as("parked, mailed and not due: asleep for ever").contains(key);
      } else {
        assertThat(only(done(new Edit.Held(key, grant))).mail()).isEqualTo(1);
      }
    }
  }

  private <T> List<T> both(Callable<T> one, Callable<T> other) {
    return together(List.of(one, other));
  }

  private void parked(String key, long wakeAtMail) {
    Instant late = now().plus(LATER);
    done(put(key, "v"), new Edit.Queue(key, QUEUE, 1, late, null, wakeAtMail));
  }

  private void assertWoken(String key, Instant now) {
    assertThat(((Place.Queued) read(key).place()).due()).isBefore(now.plus(LATER.dividedBy(2)));
  }
}
