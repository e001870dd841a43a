package dev.troupe.examples.party.agents;

import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Step;
import dev.troupe.examples.party.request.Options;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * What the agents that look something up have in common: one step with retry, a time limit for each
 * attempt and a cache for its results; progress; and the faults that a request may ask for.
 *
 * @param <I> what the agent is asked
 * @param <O> what it answers
 */
public final class CatalogueAgent<I extends CatalogueAgent.Task, O> implements Agent<I, O> {
  /** How often the work is tried. */
  static final int ATTEMPTS = 3;

  private static final RetryPolicy RETRY =
      BackoffRetryPolicy.builder(ATTEMPTS)
          .delay(Duration.ofMillis(100))
          .maxDelay(Duration.ofMillis(500))
          .build();

  private final String name;
  private final Class<O> type;
  private final Lookup<I, O> lookup;
  private final ResultCache<O> cache;
  private final Effects effects;

  /** What such an agent can be asked. */
  public interface Task {
    /**
     * How to plan.
     *
     * @return the options
     */
    Options options();

    /**
     * All that the answer depends on.
     *
     * @return a value with {@code equals}
     */
    Object key();
  }

  /**
   * The work itself.
   *
   * @param <I> the question
   * @param <O> the answer
   */
  public interface Lookup<I, O> {
    /**
     * Says what it is about to do.
     *
     * @param task the question
     * @return a few words
     */
    String doing(I task);

    /**
     * Looks it up.
     *
     * @param task the question
     * @return the answer
     * @throws Exception when it can't; it is tried again
     */
    O find(I task) throws Exception;
  }

  /**
   * Creates an agent.
   *
   * @param name its name
   * @param type the type of its answers
   * @param lookup its work
   * @param cache keeps its answers
   * @param effects is told when it works
   */
  public CatalogueAgent(
      String name, Class<O> type, Lookup<I, O> lookup, ResultCache<O> cache, Effects effects) {
    this.name = name;
    this.type = type;
    this.lookup = lookup;
    this.cache = cache;
    this.effects = effects;
  }

  @Override
  public O execute(I task, AgentContext context) {
    context.publish(new Doing(lookup.doing(task)));
    String runId = context.runId();
    Step<O> step =
        Step.of("look-up", type)
            .retry(RETRY)
            .timeLimit(attemptLimit(task.options().agentTimeLimit()))
            .build();
    return context.step(
        step,
        attempt -> {
          effects.begins(runId, "look-up");
          faults(task.options(), attempt.number());
          O known = cache.get(task.key());
          if (known != null) {
            return known;
          }
          O found = lookup.find(task);
          cache.put(task.key(), found);
          return found;
        });
  }

  /** All attempts together take no longer than the agent may work. */
  static Duration attemptLimit(Duration agentLimit) {
    return Duration.ofMillis(Math.max(1, agentLimit.toMillis() / ATTEMPTS));
  }

  private void faults(Options options, int attempt) throws InterruptedException {
    if (!options.slow().isZero()) {
      Thread.sleep(options.slow().toMillis());
    }
    if (options.fails(name, attempt)) {
      throw new IllegalStateException("told to fail by --fail " + name);
    }
    if (options.hangs(name, attempt)) {
      new CountDownLatch(1).await();
    }
  }
}
