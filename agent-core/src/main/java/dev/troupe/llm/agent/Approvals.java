package dev.troupe.llm.agent;

import dev.troupe.agent.AgentContext;
import dev.troupe.llm.guard.ProposedCall;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How an agent asks people to approve tool calls. Immutable.
 *
 * <p>A call that needs approval waits for it durably and without a thread: the process may die, and
 * the answer may come to any process. Exactly one decision counts, the first that the store
 * accepted. No decision within the time counts as denied, and so the model is told.
 *
 * <p>Each request is journaled, told to the run's listeners as progress, and listed by an {@link
 * ApprovalDesk}, which also takes the decisions.
 */
public final class Approvals {
  static final String ASKED = "ask for approval ";
  static final String SIGNAL = "approval ";
  private static final int MOST_SHOWN = 1_000;

  private final Duration expiry;
  private final Function<ProposedCall, String> shown;
  private final @Nullable Consumer<ApprovalRequest> told;

  private Approvals(
      Duration expiry,
      Function<ProposedCall, String> shown,
      @Nullable Consumer<ApprovalRequest> told) {
    this.expiry = expiry;
    this.shown = shown;
    this.told = told;
  }

  /**
   * Approvals that show the arguments as they are, cut after 1,000 characters.
   *
   * @param expiry after which time without a decision a call counts as denied, more than zero
   * @return the approvals
   */
  public static Approvals within(Duration expiry) {
    if (expiry.isNegative() || expiry.isZero()) {
      throw new IllegalArgumentException("expiry must be more than zero: " + expiry);
    }
    return new Approvals(expiry, ProposedCall::arguments, null);
  }

  /**
   * Chooses what approvers see of a call's arguments.
   *
   * @param shown makes the text, such as by leaving out what is secret; cut after 1,000 characters
   * @return new approvals
   */
  public Approvals showing(Function<ProposedCall, String> shown) {
    return new Approvals(expiry, Objects.requireNonNull(shown, "shown"), told);
  }

  /**
   * Tells somebody of each request, such as by a mail, in a step of the run: at least once.
   *
   * @param told is given each request once it is journaled
   * @return new approvals
   */
  public Approvals telling(Consumer<ApprovalRequest> told) {
    return new Approvals(expiry, shown, Objects.requireNonNull(told, "told"));
  }

  /** Asks, and waits for the decision; empty when none came in time. */
  Optional<Decision> await(AgentContext context, ProposedCall proposed, Runnable permit) {
    String call = proposed.tool() + "." + context.newId();
    ApprovalRequest request =
        context.step(
            ASKED + call,
            ApprovalRequest.class,
            attempt -> {
              permit.run();
              return new ApprovalRequest(
                  context.runId(),
                  call,
                  context.tenant(),
                  proposed.tool(),
                  cut(shown.apply(proposed)),
                  proposed.origins(),
                  expiry);
            });
    Consumer<ApprovalRequest> listener = told;
    if (listener != null) {
      context.step(
          "tell of approval",
          String.class,
          attempt -> {
            listener.accept(request);
            return "told";
          });
    }
    context.publish(request);
    return context.awaitSignal(SIGNAL + call, Decision.class, expiry);
  }

  private static String cut(String text) {
    return text.length() > MOST_SHOWN ? text.substring(0, MOST_SHOWN) + "…" : text;
  }
}
