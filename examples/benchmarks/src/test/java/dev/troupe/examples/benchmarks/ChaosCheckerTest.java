package dev.troupe.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.DeadLetter.Reason;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check of the chaos finds what is wrong on purpose. */
class ChaosCheckerTest {
  private static final String ORDERED = ChaosRules.ORDERED;
  private static final String SHARED = ChaosRules.SHARED;
  private static final long POISON = 500;
  private static final long SETTLED = ChaosRules.SETTLED.toMillis();

  private final List<ChaosLine> lines = new ArrayList<>();
  private final List<DeadLetter> letters = new ArrayList<>();
  private long ticket;
  private long millis = 1_000_000;

  private void line(String process, String kind, Object... words) {
    List<String> all = new ArrayList<>();
    for (Object word : words) {
      all.add(word.toString());
    }
    lines.add(new ChaosLine(++ticket, ++millis, process, kind, all));
  }

  private void published(long number, String key, int place) {
    line("parent", ChaosLine.SENT, number, key, place);
    line("parent", ChaosLine.ACKED, number);
  }

  private void handled(String process, long number) {
    handled(process, ORDERED, number);
    handled(process, SHARED, number);
  }

  private void handled(String process, String group, long number) {
    line(process, ChaosLine.BEGIN, group, number, 1);
    line(process, ChaosLine.END, group, number);
  }

  private void failed(String group, long number, int times) {
    for (int attempt = 1; attempt <= times; attempt++) {
      line("a", ChaosLine.BEGIN, group, number, attempt);
      line("a", ChaosLine.FAIL, group, number);
    }
  }

  private DeadLetter letter(String group, long number, Reason reason, int attempts, String error) {
    Event event = Event.builder("tick").id("" + number).source("/chaos").build();
    return letter(group, reason, attempts, error, new Delivery.Decoded(event));
  }

  private DeadLetter letter(
      String group, Reason reason, int attempts, String error, Delivery.Content content) {
    String id = "letter-" + letters.size();
    return new DeadLetter(
        id, group, ChaosRules.TOPIC, 0, "1-0", reason, attempts, error, Instant.EPOCH, content);
  }

  private void died(String group, long number) {
    failed(group, number, ChaosRules.ATTEMPTS);
    String error = "java.lang.IllegalStateException: " + number + " can't be handled";
    letters.add(letter(group, number, Reason.FAILED, ChaosRules.ATTEMPTS, error));
  }

  private void rubbish(String group, byte[] bytes) {
    Delivery.Raw raw = new Delivery.Raw(bytes, java.util.Map.of(), "no event");
    letters.add(letter(group, Reason.UNDECODABLE, 0, "no event", raw));
  }

  private List<String> check() {
    return new ChaosChecker(lines).check(letters);
  }

  @Test
  void aRightHistoryIsRight() {
    published(1, "k", 1);
    published(2, "k", 2);
    published(POISON, "k", 3);
    published(3, "k", 4);
    handled("a", 1);
    handled("b", 2);
    died(ORDERED, POISON);
    died(SHARED, POISON);
    handled("a", 3);
    line("parent", ChaosLine.RAW_SENT, 1);
    line("parent", ChaosLine.RAW_ACKED, 1);
    rubbish(ORDERED, ChaosRules.rubbish(1));
    rubbish(SHARED, ChaosRules.rubbish(1));
    assertThat(check()).isEmpty();
    assertThat(new ChaosChecker(lines).missing()).isZero();
  }

  @Test
  void anEventThatWasNeverHandledIsFoundWithItsKeyAndItsLines() {
    published(1, "k7", 1);
    handled("a", ORDERED, 1);
    assertThat(check())
        .singleElement()
        .asString()
        .contains("event 1 of key k7", "never handled by group " + SHARED)
        .contains("sent 1 k7 1", "acked 1");
    assertThat(new ChaosChecker(lines).missing()).isOne();
  }

  @Test
  void anEventThatWasOnlyBegunIsLost() {
    published(1, "k", 1);
    handled("a", ORDERED, 1);
    line("a", ChaosLine.BEGIN, SHARED, 1, 1);
    assertThat(check()).singleElement().asString().contains("never handled");
  }

  @Test
  void anEventThatNobodyAcknowledgedMayBeLost() {
    line("parent", ChaosLine.SENT, 1, "k", 1);
    assertThat(check()).isEmpty();
  }

  @Test
  void eventsOfAKeyOutOfOrderAreFoundInTheOrderedGroupAlone() {
    published(1, "k", 1);
    published(2, "k", 2);
    handled("a", 2);
    handled("a", 1);
    assertThat(check())
        .singleElement()
        .asString()
        .contains("event 2 of key k was begun by group " + ORDERED)
        .contains("begin " + ORDERED + " 1", "begin " + ORDERED + " 2");
  }

  @Test
  void anEventThatBeginsBesideTheOneBeforeItIsOutOfOrder() {
    published(1, "k", 1);
    published(2, "k", 2);
    line("a", ChaosLine.BEGIN, ORDERED, 1, 1);
    handled("a", ORDERED, 2);
    line("a", ChaosLine.END, ORDERED, 1);
    handled("a", SHARED, 1);
    handled("a", SHARED, 2);
    assertThat(check()).singleElement().asString().contains("before the one before it was over");
  }

  @Test
  void afterACrashAKeyMayStepBackButNotSkip() {
    published(1, "k", 1);
    published(2, "k", 2);
    published(3, "k", 3);
    handled("a", 1);
    handled("a", 2);
    line("parent", ChaosLine.FAULT, 1, "kill", "a");
    handled("b", 1);
    handled("b", 2);
    handled("b", 3);
    assertThat(check()).isEmpty();

    published(4, "k", 4);
    published(5, "k", 5);
    handled("b", 5);
    handled("b", 4);
    assertThat(check()).singleElement().asString().contains("event 5");
  }

  @Test
  void whatComesAgainAfterALongTimeWithoutFaultsIsFound() {
    published(1, "k", 1);
    handled("a", 1);
    line("parent", ChaosLine.FAULT, 1, "kill", "b");
    line("parent", ChaosLine.HEALED, 1);
    millis += SETTLED - 100;
    handled("a", ORDERED, 1);
    assertThat(check()).isEmpty();

    millis += 200;
    handled("a", ORDERED, 1);
    assertThat(check())
        .singleElement()
        .asString()
        .contains("again after a time without faults", "fault 1 kill b", "healed 1");
  }

  @Test
  void aProcessThatStoodStillByItselfIsACause() {
    published(1, "k", 1);
    handled("a", 1);
    millis += SETTLED / 2;
    line("a", ChaosLine.STILL, 600);
    millis += SETTLED - 100;
    handled("b", ORDERED, 1);
    assertThat(check()).isEmpty();
  }

  @Test
  void moreThanCanHaveBeenInFlightIsFound() {
    int many = ChaosEvents.WORKERS * ChaosRules.IN_FLIGHT + 1;
    for (int i = 1; i <= many; i++) {
      long number = 1_000_000 + 1_000L * i; // none of them fails
      published(number, "k" + i, 1);
      handled("a", number);
    }
    line("parent", ChaosLine.FAULT, 1, "kill", "a");
    for (int i = 1; i <= many; i++) {
      handled("b", SHARED, 1_000_000 + 1_000L * i);
    }
    assertThat(check())
        .singleElement()
        .asString()
        .contains("after kill", SHARED + " handled " + many + " events again");
  }

  @Test
  void deadLettersHaveToBeThereOnceAndSayWhy() {
    published(POISON, "k", 1);
    died(ORDERED, POISON);
    failed(SHARED, POISON, ChaosRules.ATTEMPTS);
    assertThat(check()).singleElement().asString().contains(SHARED + " has 0 dead letters");

    letters.add(letter(SHARED, POISON, Reason.POISON, 0, ""));
    assertThat(check()).singleElement().asString().contains("should not be this", "POISON");

    letters.remove(1);
    died(SHARED, POISON);
    died(SHARED, POISON);
    assertThat(check()).singleElement().asString().contains(SHARED + " has 2 dead letters");
  }

  @Test
  void anEventThatDoesNotFailHasNoDeadLetter() {
    published(1, "k", 1);
    handled("a", 1);
    letters.add(letter(SHARED, 1, Reason.FAILED, ChaosRules.ATTEMPTS, "E: 1 can't be handled"));
    letters.add(letter(SHARED, 99, Reason.FAILED, 3, "E: 99 can't be handled"));
    assertThat(check())
        .hasSize(2)
        .anySatisfy(one -> assertThat(one).contains("event 1 of key k should not be this"))
        .anySatisfy(one -> assertThat(one).contains("nobody published"));
  }

  @Test
  void bytesThatAreNoEventHaveToBeThereAsTheyWere() {
    line("parent", ChaosLine.RAW_SENT, 7);
    line("parent", ChaosLine.RAW_ACKED, 7);
    rubbish(ORDERED, ChaosRules.rubbish(7));
    rubbish(SHARED, new byte[] {(byte) 0xff});
    assertThat(check())
        .hasSize(2)
        .anySatisfy(one -> assertThat(one).contains("bytes that nobody wrote"))
        .anySatisfy(one -> assertThat(one).contains("bytes 7", SHARED + " has 0"));
  }

  @Test
  void aLineThatWasTornByADeathIsLeftOut(@TempDir Path folder) throws Exception {
    try (ChaosLog one = new ChaosLog(folder, "one");
        ChaosLog two = new ChaosLog(folder, "two")) {
      one.write(ChaosLine.SENT, 1, "k", 1);
      two.write(ChaosLine.BEGIN, ORDERED, 1, 1);
      one.write(ChaosLine.ACKED, 1);
    }
    Files.writeString(folder.resolve("two.chaos"), "3 17 en", StandardOpenOption.APPEND);
    assertThat(ChaosLine.read(folder).stream().filter(one -> !one.kind().equals(ChaosLine.STILL)))
        .extracting(ChaosLine::process, ChaosLine::kind)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("one", ChaosLine.SENT),
            org.assertj.core.groups.Tuple.tuple("two", ChaosLine.BEGIN),
            org.assertj.core.groups.Tuple.tuple("one", ChaosLine.ACKED));
  }
}
