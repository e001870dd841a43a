package dev.troupe.run;

import static dev.troupe.run.GoldenWorld.bytes;
import static dev.troupe.run.GoldenWorld.failure;

import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Runs that leave a record of each kind in a store. Written by the engine; what the package {@code
 * runtime} adds, such as the words of a process about itself, is as it would be from there.
 */
final class GoldenStories {
  /** A name-based UUID of the parent, a line feed, the path of the call, {@code ~1}. */
  static final String FAR = "customer-5/58604a41-0cc4-3378-a822-953d4971de13";

  static final Duration EXPIRY = Duration.ofSeconds(10);
  static final String PROCESS =
      """
      pid 4711
      host shop-1
      since 1767323045000
      running 3
      capacity 64
      draining false
      formats 1
      agents shop@1 pay@2\
      """;

  private final GoldenWorld world = new GoldenWorld();
  private final Map<String, String> files = new TreeMap<>();

  private GoldenStories() {}

  /**
   * What the stories left.
   *
   * @param files the text of each golden file, by its name, as today's code writes it
   * @param broken why a story ended early
   */
  record Written(Map<String, String> files, List<Throwable> broken) {}

  static Written written() {
    Written written = new Written(new TreeMap<>(), new ArrayList<>());
    List<Consumer<GoldenStories>> all =
        List.of(
            GoldenStories::waiting,
            GoldenStories::queuedAndEnded,
            GoldenStories::takenOver,
            GoldenStories::failing,
            GoldenStories::stopped,
            GoldenStories::process);
    for (Consumer<GoldenStories> story : all) {
      GoldenStories told = new GoldenStories();
      try {
        story.accept(told);
      } catch (AssertionError | RuntimeException broken) {
        written.broken.add(broken);
      }
      written.files.putAll(told.files);
    }
    return written;
  }

  private void keep(String file, String key) {
    files.put(file, world.golden(key));
  }

  static RunHeader header(String id, String parent, String path, String lane, Instant created) {
    return new RunHeader(
        id,
        "shop",
        "1",
        new RunHeader.Origin(parent, path, "sell", created),
        new RunHeader.Terms(1, lane, null, "", "", ""),
        new RunHeader.Encoding("json", ""),
        bytes("{\"order\":17}"));
  }

  private Journal begin(String id) {
    world.done(
        Runs.submit(
            world.change(), GoldenFile.PARTITIONS, header(id, null, null, null, world.now())));
    return world.named("p1", id);
  }

  private void write(Journal journal, List<Edit> edits) {
    world.done(journal.change(edits));
  }

  private void step(Journal journal, String path, String result) {
    journal.step(path, world.now());
    write(journal, journal.done(path, bytes(result), world.now(), 1));
    world.tick(5);
  }

  // a run that waits, with its children and its outbox

  private void waiting() {
    Journal run = begin("r");
    run.executedBy("shop-1 4711", world.now());
    steps(run);
    waits(run);
    group(run);
    children(run);
    park(run);
  }

  private void steps(Journal run) {
    Instant now = world.now();
    run.publish("#1", bytes("\"begun\""), now);
    run.step("reserve#1", now);
    byte[] busy = failure("java.io.IOException", "no connection", true);
    write(run, run.retry("reserve#1", busy, now.plusMillis(100), now, 1));
    world.tick(100);
    write(run, run.done("reserve#1", bytes("{\"reserved\":\"ä\\n\"}"), world.now(), 2));
    run.step("discount#1", world.now());
    byte[] none = failure("java.lang.IllegalStateException", "no \"discount\" here", false);
    write(run, run.failed("discount#1", none, world.now(), 1));
    world.tick(10);
  }

  private void waits(Journal run) {
    run.sleep("sleep#1", Duration.ofSeconds(2), world.now());
    world.tick(2_000);
    world.done(Runs.signal(world.change(), run.id(), "approval", "s-1", bytes("\"yes\"")));
    run.receive(world.whole("r").mail());
    List<Edit> edits = new ArrayList<>();
    run.signal("signal approval#1", "approval", world.now(), edits);
    write(run, edits);
    Instant over = run.signalLimit("signal hurry#1", Duration.ofSeconds(1), world.now());
    world.tick(1_000);
    write(run, run.signalTimedOut("signal hurry#1", over));
  }

  private void group(Journal run) {
    call(run, "offers#1/1/ask#1", "r/offers#1/1/ask#1", null, null);
    step(run, "offers#1/0/price#1", "12.5");
    write(run, run.won("offers#1", 0, world.now()));
    world.done(Runs.cancel("cancel-1", world.whole("r/offers#1/1/ask#1").id(), "too late"));
    keep("run-cancelled.txt", "r/offers#1/1/ask#1");
  }

  private void call(Journal run, String path, String child, String lane, Instant due) {
    write(run, run.called(path, header(child, "r", path, lane, world.now()), due, world.now()));
    world.tick(5);
  }

  private void children(Journal run) {
    call(run, "ship#1", "r/ship#1", null, world.now().plusSeconds(60));
    Journal ship = world.named("p2", "r/ship#1");
    byte[] lost = failure("RUN_FAILED", "no ship", false);
    world.done(ship.end(new RunEnd(RunEnd.State.FAILED, world.now(), lost), world.now()));
    keep("run-child-failed.txt", "r/ship#1");

    call(run, "both#1/0/pay#1", FAR, "customer-5", null);
    String create = world.outboxOf("r");
    keep("outbox-create.txt", create);
    relay(create);
    keep("run-far-child.txt", FAR);
    Journal pay = world.named("p2", FAR);
    Instant until = world.now().plus(Duration.ofDays(7));
    world.done(pay.end(new RunEnd(RunEnd.State.SUCCEEDED, world.now(), bytes("\"paid\"")), until));
    keep("outbox-mail.txt", world.outboxOf(FAR));
    keep("reminder-far-child.txt", FAR + "/$keep");
  }

  private void relay(String key) {
    Stored record = world.due("p3", Outbox.QUEUE);
    world.done(Outbox.deliver(world.change(), record, GoldenFile.PARTITIONS));
    world.done(Outbox.delivered(world.change(), world.whole(key)));
  }

  private void park(Journal run) {
    run.step("both#1/1/charge#1", world.now());
    Instant due = world.now().plusSeconds(60);
    byte[] busy = failure("java.io.IOException", "no connection", true);
    write(run, run.retry("both#1/1/charge#1", busy, due, world.now(), 2));
    run.signalLimit("both#1/2/signal answer#1", Duration.ofMinutes(5), world.now());
    world.done(Runs.signal(world.change(), run.id(), "other", "s-2", bytes("null")));
    run.receive(world.whole("r").mail());
    world.done(run.park(due, run.mailSeen()));
    keep("run-waiting.txt", "r");
  }

  // from the first record of a run to the last

  private void queued(String id) {
    RunHeader plain = header(id, null, null, null, world.now());
    RunHeader header =
        new RunHeader(
            id,
            "shop",
            "1",
            plain.origin(),
            new RunHeader.Terms(2, "order-17", world.now().plusSeconds(3600), "acme", "", ""),
            plain.encoding(),
            plain.input());
    world.done(Runs.submit(world.change(), GoldenFile.PARTITIONS, header));
  }

  private void queuedAndEnded() {
    String id = "order-17/7";
    queued(id);
    keep("run-queued.txt", id);
    Journal run = world.named("p1", id);
    step(run, "reserve#1", "true");
    world.done(Runs.signal(world.change(), run.id(), "late", "s-1", bytes("7")));
    Instant until = world.now().plus(Duration.ofDays(7));
    world.done(run.end(new RunEnd(RunEnd.State.SUCCEEDED, world.now(), bytes("\"sold\"")), until));
    keep("run-succeeded.txt", id);
    keep("reminder.txt", id + "/$keep");
    world.tickTo(until);
    world.due("p1", Runs.RETENTION);
    world.done(Runs.bury(world.change(), run.id(), world.now(), Duration.ofDays(30)));
    keep("tombstone.txt", id + "/$gone");
  }

  // a run whose process died inside what must not be repeated blindly, and whose code changed

  private void takenOver() {
    Journal run = begin("t");
    run.executedBy("shop-1 4711", world.now());
    step(run, "reserve#1", "true");
    run.step("pay#1", world.now());
    write(run, run.intent("pay#1", world.now(), 1));
    world.tick(10_000);

    Stored held = world.claim("p2", new Claim.From.HeldBy("p1", Set.of())).get(0);
    world.done(new Journal(held).takeUp(world.now(), 5, deaths -> bytes("" + deaths)));
    Journal next = world.named("p2", "t");
    next.executedBy("shop-2 4712", world.now());
    step(next, "greet#1", "\"hello\"");
    world.done(next.handBack(world.now()));
    byte[] paid = bytes("\"paid\"");
    world.done(Runs.resolve(world.change(), world.whole("t"), "pay#1", "done", paid));
    keep("run-taken-over.txt", "t");
  }

  private void failing() {
    Journal run = begin("f");
    step(run, "reserve#1", "1");
    step(run, "reserve#2", "2");
    run.publish("event sold#1", "sold\ne-1", key -> List.of(), world.now());
    byte[] why = failure("java.lang.IllegalStateException", "sold out", false);
    write(run, run.failing(why, world.now()));
    run.compensate();
    step(run, Journal.undo("reserve#2"), "null");
    world.done(run.handBack(world.now()));
    keep("run-failing.txt", "f");
  }

  private void stopped() {
    Journal run = begin("s");
    step(run, "reserve#1", "true");
    world.done(run.handBack(world.now()));
    Journal changed = world.named("p1", "s");
    step(changed, "book#1", "false");
    write(changed, changed.setAside());
    world.done(changed.stop(failure("NON_DETERMINISM", "does not fit", false), world.now()));
    keep("run-stopped.txt", "s");
  }

  private void process() {
    Membership member = new Membership("p1", GoldenFile.PARTITIONS, EXPIRY);
    world.done(member.beat(world.change(), bytes(PROCESS), world.now()));
    keep("process.txt", member.id().key());
    world.tick(EXPIRY.toMillis());
    Stored dead = world.due("p2", Membership.FLEET);
    Grant grant = ((Place.Held) dead.place()).grant();
    Membership judge = new Membership("p2", GoldenFile.PARTITIONS, EXPIRY);
    world.done(judge.takenOver(world.change(), dead, grant, world.now()));
    keep("process-gone.txt", member.id().key());
  }
}
