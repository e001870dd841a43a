package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Lets requests of concurrent callers ride together: the caller that finds no flush under way sends
 * its own request at once, the others go with the next flush.
 *
 * <p>A single caller never waits for another thread. Under load a flush carries all that came while
 * the one before was under way, so a server is asked once, and syncs once, for many callers. The
 * technique is flat combining (Hendler, Incze, Shavit, Tzafrir, SPAA 2010) with group commit behind
 * it. Safe for use by many threads; blocks until the answer is there, also when the caller is
 * interrupted, because what was sent may be done whoever stops waiting for it.
 *
 * @param <Q> what is asked
 * @param <A> what is answered
 */
public final class Combiner<Q, A> {
  private final Function<List<Q>, List<A>> server;
  private final ToIntFunction<Q> weight;
  private final int heaviest;
  private final AtomicBoolean flushing = new AtomicBoolean();
  private final ConcurrentLinkedQueue<Waiting<Q, A>> queue = new ConcurrentLinkedQueue<>();

  private static final class Waiting<Q, A> {
    final Q request;
    final Thread thread = Thread.currentThread();
    volatile @Nullable A answer;
    volatile @Nullable RuntimeException failure;
    volatile boolean leads;

    Waiting(Q request) {
      this.request = request;
    }

    boolean answered() {
      return answer != null || failure != null;
    }
  }

  /**
   * Combines what goes to a server.
   *
   * @param server answers requests, as many as it is given and in their order; called by one thread
   *     at a time. What it throws is thrown to all who asked
   * @param weight how heavy a request is
   * @param heaviest what all requests of a flush may weigh together, so that nobody waits long for
   *     those before; a heavier one goes alone
   */
  public Combiner(Function<List<Q>, List<A>> server, ToIntFunction<Q> weight, int heaviest) {
    this.server = server;
    this.weight = weight;
    this.heaviest = heaviest;
  }

  /**
   * Asks.
   *
   * @param request what to ask
   * @return the answer
   * @throws RuntimeException what the server threw
   */
  public A ask(Q request) {
    if (queue.isEmpty() && flushing.compareAndSet(false, true)) {
      try {
        return send(List.of(request)).get(0);
      } finally {
        handOver();
      }
    }
    Waiting<Q, A> mine = new Waiting<>(request);
    queue.add(mine);
    if (flushing.compareAndSet(false, true)) {
      lead(mine);
    }
    boolean interrupted = false;
    while (!mine.answered()) {
      if (mine.leads) {
        mine.leads = false;
        lead(mine);
      } else {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    RuntimeException failure = mine.failure;
    if (failure != null) {
      throw failure;
    }
    A answer = mine.answer;
    if (answer == null) {
      throw new IllegalStateException("answered without an answer");
    }
    return answer;
  }

  private List<A> send(List<Q> requests) {
    List<A> answers = server.apply(requests);
    if (answers.size() != requests.size()) {
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          "%d of %d requests were answered".formatted(answers.size(), requests.size()));
    }
    return answers;
  }

  /** Flushes until the own request is answered, then hands the lead to one that waits. */
  private void lead(Waiting<Q, A> mine) {
    try {
      while (!mine.answered()) {
        flush();
      }
    } finally {
      handOver();
    }
  }

  private void handOver() {
    flushing.set(false);
    // whoever queued before the line above saw a flush under way and may be asleep
    Waiting<Q, A> next = queue.peek();
    if (next != null && flushing.compareAndSet(false, true)) {
      next = queue.peek();
      if (next == null) {
        flushing.set(false);
        if (!queue.isEmpty()) {
          handOver();
        }
      } else {
        next.leads = true;
        LockSupport.unpark(next.thread);
      }
    }
  }

  private void flush() {
    List<Waiting<Q, A>> riders = new ArrayList<>();
    List<Q> requests = new ArrayList<>();
    int all = 0;
    Waiting<Q, A> next = queue.peek();
    while (next != null) {
      int more = weight.applyAsInt(next.request);
      if (!riders.isEmpty() && all + more > heaviest) {
        break;
      }
      queue.poll();
      riders.add(next);
      requests.add(next.request);
      all += more;
      next = queue.peek();
    }
    List<A> answers;
    try {
      answers = send(requests);
    } catch (RuntimeException e) {
      fail(riders, e);
      return;
    } catch (Throwable t) {
      fail(riders, new AgentException(ErrorCode.STORE_UNAVAILABLE, "the server failed: " + t, t));
      throw t;
    }
    for (int i = 0; i < riders.size(); i++) {
      riders.get(i).answer = answers.get(i);
      LockSupport.unpark(riders.get(i).thread);
    }
  }

  private void fail(List<Waiting<Q, A>> riders, RuntimeException why) {
    for (Waiting<Q, A> rider : riders) {
      rider.failure = why;
      LockSupport.unpark(rider.thread);
    }
  }
}
