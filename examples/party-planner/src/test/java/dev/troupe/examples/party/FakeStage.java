package dev.troupe.examples.party;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Failure;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAction;
import dev.troupe.agent.StepAttempt;
import dev.troupe.agent.StepFailedException;
import dev.troupe.event.Event;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.RunView;
import dev.troupe.state.Grant;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A stage for agents in tests: executes them at once, with a journal that outlives a crash. It goes
 * through the codec as a runtime does. Branches run one after another.
 */
final class FakeStage {
  private final Map<String, AgentDefinition<?, ?>> agents = new LinkedHashMap<>();
  private final Map<String, byte[]> journal = new ConcurrentHashMap<>();
  private final Map<String, Failure> failures = new ConcurrentHashMap<>();
  private final List<String> order = new ArrayList<>();
  private final List<Object> progress = new ArrayList<>();
  private final Instant start;
  private final RunListener listener;
  private int rowsLeft = Integer.MAX_VALUE;

  /** The process dies here. */
  static final class Crash extends Error {
    private static final long serialVersionUID = 1L;
  }

  FakeStage(List<AgentDefinition<?, ?>> definitions, Instant start, RunListener listener) {
    definitions.forEach(definition -> agents.put(definition.name(), definition));
    this.start = start;
    this.listener = listener;
  }

  FakeStage(List<AgentDefinition<?, ?>> definitions) {
    this(definitions, Instant.parse("2026-11-21T10:00:00Z"), event -> {});
  }

  /** The process dies when it wants to write the row after these. */
  void crashAfter(int rows) {
    rowsLeft = rows;
  }

  List<String> rows() {
    return order;
  }

  List<Object> progress() {
    return progress;
  }

  <O> O run(String agent, Object input, Class<O> type, String id) {
    return run(agent, input, type, id, null, null);
  }

  <O> O run(
      String agent,
      Object input,
      Class<O> type,
      String id,
      @Nullable Duration deadline,
      @Nullable String parent) {
    AgentDefinition<?, ?> definition = agents.get(agent);
    if (definition == null) {
      throw new IllegalStateException("no agent " + agent);
    }
    Object decoded = coded(input, definition.input());
    Instant until = deadline == null ? null : start.plus(deadline);
    listener.on(new RunEvent.Started(id, agent, journaled(id), parent));
    try {
      Object result = execute(definition, decoded, new Context(id, agent, "", until));
      listener.on(new RunEvent.Ended(id, agent, RunView.State.SUCCEEDED, null));
      return type.cast(coded(result, type));
    } catch (RuntimeException e) {
      listener.on(new RunEvent.Ended(id, agent, RunView.State.FAILED, Failure.of(e)));
      throw e;
    } catch (Exception e) {
      listener.on(new RunEvent.Ended(id, agent, RunView.State.FAILED, Failure.of(e)));
      throw new IllegalStateException(e);
    }
  }

  private int journaled(String id) {
    return (int) order.stream().filter(row -> row.startsWith(id + " ")).count();
  }

  @SuppressWarnings("unchecked")
  private static <I, O> Object execute(
      AgentDefinition<I, O> definition, Object input, AgentContext context) throws Exception {
    return definition.agent().execute((I) input, context);
  }

  private static Object coded(@Nullable Object value, Class<?> type) {
    Object decoded = Codec.json().decode(Codec.json().encode(value, type), type);
    if (decoded == null) {
      throw new IllegalStateException("null results are not needed here");
    }
    return decoded;
  }

  private void write(String row) {
    if (rowsLeft-- <= 0) {
      throw new Crash();
    }
    order.add(row);
  }

  private final class Context implements AgentContext {
    private final String id;
    private final String agent;
    private final String branch;
    private final @Nullable Instant until;
    private final Map<String, Integer> used = new HashMap<>();

    Context(String id, String agent, String branch, @Nullable Instant until) {
      this.id = id;
      this.agent = agent;
      this.branch = branch;
      this.until = until;
    }

    private String path(String name) {
      int times = used.merge(name, 1, Integer::sum);
      return branch + name + (times == 1 ? "" : "#" + times);
    }

    private <T> T once(String path, Class<T> type, Callable<T> work) {
      String row = id + " " + path;
      byte[] known = journal.get(row);
      if (known != null) {
        return type.cast(Codec.json().decode(known, type));
      }
      Failure failed = failures.get(row);
      if (failed != null) {
        throw new StepFailedException(path, failed);
      }
      try {
        byte[] result = Codec.json().encode(work.call(), type);
        write(row);
        journal.put(row, result);
        return type.cast(Codec.json().decode(result, type));
      } catch (Exception e) {
        Failure failure = Failure.of(e);
        write(row);
        failures.put(row, failure);
        throw new StepFailedException(path, failure);
      }
    }

    @Override
    public String runId() {
      return id;
    }

    @Override
    public String rootId() {
      return runId();
    }

    @Override
    public Grant grant() {
      return new Grant("stage", 1);
    }

    @Override
    public String tenant() {
      return "";
    }

    @Override
    public Optional<Instant> deadline() {
      return Optional.ofNullable(until);
    }

    @Override
    public <T extends @Nullable Object> T step(Step<T> step, StepAction<T> action) {
      String path = path(step.name());
      return once(path, step.type(), () -> attempts(step, path, action));
    }

    private <T extends @Nullable Object> T attempts(Step<T> step, String path, StepAction<T> action)
        throws Exception {
      RetryPolicy retry = step.retry().orElse(RetryPolicy.none());
      for (int number = 1; ; number++) {
        StepAttempt attempt = new StepAttempt(number, () -> id + " " + path);
        listener.on(new RunEvent.StepStarted(id, agent, path, number));
        try {
          return within(step.timeLimit().orElse(null), () -> action.run(attempt));
        } catch (Exception e) {
          Optional<Duration> wait = retry.next(new RetryPolicy.Attempt(number, e, 0.5));
          Failure failure = Failure.of(e);
          listener.on(new RunEvent.StepFailed(id, agent, path, number, failure, wait.orElse(null)));
          if (wait.isEmpty()) {
            throw e;
          }
        }
      }
    }

    @Override
    public <T extends @Nullable Object> T call(Call<T> call) {
      String path = path(call.name());
      String child = id + "-" + path.replace('/', '-').replace('#', '-');
      listener.on(new RunEvent.Called(id, agent, path, child, call.capability()));
      return once(
          path,
          call.type(),
          () ->
              within(
                  call.timeLimit().orElse(null),
                  () -> run(call.capability(), call.input(), call.type(), child, null, id)));
    }

    @Override
    public <T extends @Nullable Object> List<T> all(
        String name, int atMost, List<? extends Branch<? extends T>> branches) {
      String group = path(name);
      List<T> results = new ArrayList<>();
      for (int i = 0; i < branches.size(); i++) {
        try {
          results.add(branches.get(i).run(new Context(id, agent, group + "/" + i + "/", until)));
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
      return results;
    }

    @Override
    public <T extends @Nullable Object> T any(
        String name, int atMost, List<? extends Branch<? extends T>> branches) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sleep(Duration duration) {
      throw new UnsupportedOperationException();
    }

    @Override
    public <T extends @Nullable Object> T awaitSignal(String name, Class<T> type) {
      throw new UnsupportedOperationException();
    }

    @Override
    public <T> Optional<T> awaitSignal(String name, Class<T> type, Duration atMost) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void publish(String topic, Event event) {
      throw new IllegalStateException("no agent of this example publishes events");
    }

    @Override
    public void publish(Object what) {
      progress.add(what);
      listener.on(new RunEvent.Progress(id, agent, what));
    }

    @Override
    public Instant now() {
      return start;
    }

    @Override
    public RandomGenerator random() {
      throw new UnsupportedOperationException();
    }

    @Override
    public String newId() {
      throw new UnsupportedOperationException();
    }
  }

  private static <T extends @Nullable Object> T within(@Nullable Duration limit, Callable<T> work)
      throws Exception {
    if (limit == null) {
      return work.call();
    }
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = new Thread(task, "limited");
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      task.cancel(true);
      throw new AgentException(ErrorCode.TIMEOUT, "took longer than " + limit);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception inner) {
        throw inner;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }
}
