package dev.troupe.agent;

import dev.troupe.event.Event;
import dev.troupe.state.Grant;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What an agent may do in a way that survives. Every effect has a place in the journal, its path:
 * the step's name and how often that name was used before in the same branch. Effects that a crash
 * interrupted are made again; effects whose result was journaled never are.
 *
 * <p><b>Waiting.</b> {@link #sleep}, {@link #awaitSignal}, {@link #call} and the pause before a
 * retry may leave the agent's stack by an {@link Error}, so that a waiting run costs no thread; the
 * agent is executed again when the wait is over. Code that catches {@code Throwable} must let it
 * pass. A {@code finally} block runs each time a run leaves its stack: clean-up of things that
 * outlive the process belongs in {@link Step.Builder#compensate} or a last step, not there.
 *
 * <p>A context belongs to one branch of one run and is used by that branch's thread only. A value
 * comes back the way it was stored, the first time too: encoded and decoded, never the same object.
 *
 * <p>When the run is cancelled or its deadline passes, every method that would begin something new
 * throws {@link RunEndingException}; effects that are journaled still return their values, so that
 * the agent reaches the point where it stood.
 */
public interface AgentContext {
  /**
   * The run's id, unique in the store.
   *
   * @return the id
   */
  String runId();

  /**
   * The run at the root of the tree that this run belongs to: what was submitted, and what budgets
   * belong to.
   *
   * @return its id, {@link #runId()} where this run is the root
   */
  String rootId();

  /**
   * For whom the run is.
   *
   * @return the tenant, empty text for none
   */
  String tenant();

  /**
   * Under what right this process executes the run. A change that is guarded by {@link
   * dev.troupe.state.Edit.Held} with the run's id and this grant is made only while nobody has
   * taken the run over: the fence for what is kept in the store beside the run. Another one in each
   * execution.
   *
   * @return the grant
   */
  Grant grant();

  /**
   * When the run has to be over, on the store's clock.
   *
   * @return the instant, empty when there is no deadline
   */
  Optional<Instant> deadline();

  /**
   * Makes an effect once and journals its result, with the agent's default retry policy.
   *
   * @param name the step's name, 1 to 200 characters without {@code / # $} and control characters
   * @param type the type of the result
   * @param action what to do
   * @return the result, as decoded from the journal
   * @throws StepFailedException when the action failed for good; the same on every replay
   */
  default <T extends @Nullable Object> T step(String name, Class<T> type, StepAction<T> action) {
    return step(Step.of(name, type).build(), action);
  }

  /**
   * Makes an effect once and journals its result.
   *
   * @param step the step's name, type and limits
   * @param action what to do
   * @return the result, as decoded from the journal
   * @throws StepFailedException when the action failed for good; the same on every replay
   */
  <T extends @Nullable Object> T step(Step<T> step, StepAction<T> action);

  /**
   * Runs another agent as a child run and waits for its result.
   *
   * @param capability what the agent can do, or its name
   * @param input its input
   * @param type the type of its result
   * @return the child's result
   * @throws StepFailedException when the child failed or was cancelled; the same on every replay
   */
  default <T extends @Nullable Object> T call(String capability, Object input, Class<T> type) {
    return call(Call.of(capability, input, type).build());
  }

  /**
   * Runs another agent as a child run and waits for its result.
   *
   * @param call whom to call, with what, and for how long
   * @return the child's result
   * @throws StepFailedException when the child failed, was cancelled or took too long; the same on
   *     every replay
   */
  <T extends @Nullable Object> T call(Call<T> call);

  /**
   * Runs branches side by side and waits for all of them.
   *
   * @param name names the group in the journal
   * @param atMost how many may be under way at once, at least 1
   * @param branches what to do; each gets a context of its own and must use only that
   * @return their results in the order of the branches
   * @throws StepFailedException or whatever the first failed branch, in the order of the list,
   *     threw; the failures of others are suppressed in it
   */
  <T extends @Nullable Object> List<T> all(
      String name, int atMost, List<? extends Branch<? extends T>> branches);

  /**
   * Runs branches side by side until one succeeds. The winner is journaled; the others are
   * interrupted and the child runs they wait for are cancelled. What their steps did before is not
   * undone, even if the run fails later.
   *
   * @param name names the group in the journal
   * @param atMost how many may be under way at once, at least 1
   * @param branches what to try; each gets a context of its own and must use only that
   * @return the winner's result
   * @throws StepFailedException or whatever the first branch, in the order of the list, threw when
   *     all failed
   */
  <T extends @Nullable Object> T any(
      String name, int atMost, List<? extends Branch<? extends T>> branches);

  /**
   * Waits. The time is kept in the store and passes while the process is down.
   *
   * @param duration how long; nothing happens when it is zero or negative
   */
  void sleep(Duration duration);

  /**
   * Waits for a signal, as long as it takes. Each signal is received by one wait; signals of one
   * name are received in the order in which the store accepted them.
   *
   * @param name the signal's name
   * @param type the type of its payload
   * @return the payload
   */
  <T extends @Nullable Object> T awaitSignal(String name, Class<T> type);

  /**
   * Waits for a signal, but not for ever.
   *
   * @param name the signal's name
   * @param type the type of its payload
   * @param atMost how long to wait
   * @return the payload, empty when none came in time; the same on every replay
   */
  <T> Optional<T> awaitSignal(String name, Class<T> type, Duration atMost);

  /**
   * Tells whoever listens how far the run is. Costs no write of its own: it is journaled with the
   * next effect, and told again only if a crash comes before that.
   *
   * @param progress anything that the codec can write
   */
  void publish(Object progress);

  /**
   * Publishes an event, once for this place in the code. It is stored with a line of the journal in
   * the run's next change, which is that of its next effect, its wait, its end, or its being handed
   * to another process; it goes out if and only if that change is made, even if this process dies.
   * Costs no write of its own. The event is published soon after that change, at least once, and
   * under the same id should it be published twice; events of one key go out in the order in which
   * the run published them. An event without {@code correlationid} gets the run's id, so that an
   * answer can be sent to the run as a signal; one without {@code traceparent} goes on in the run's
   * trace.
   *
   * <p>What it holds should come from the input, from effects or from this context, as all that the
   * agent does: a value that is another one on replay was published as it was the first time.
   *
   * @param topic where to
   * @param event the event, at most 120 KiB
   * @throws dev.troupe.AgentException with {@code INVALID_INPUT} when the runtime was given no
   *     event bus, the topic's name is none, or the event does not keep to its schema; {@code
   *     LIMIT_EXCEEDED} when it is too large
   */
  void publish(String topic, Event event);

  /**
   * The store's time of the last effect in this branch; the same on every replay.
   *
   * @return the instant, in whole milliseconds
   */
  Instant now();

  /**
   * A source of chance that gives the same numbers on every replay, derived from the run's id and
   * this place in the code.
   *
   * @return a new generator; not for secrets
   */
  RandomGenerator random();

  /**
   * A new id that is the same on every replay, derived from the run's id and this place in the
   * code.
   *
   * @return a UUID in text form
   */
  String newId();
}
