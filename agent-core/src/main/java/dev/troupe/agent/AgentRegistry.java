package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The agents that a process hosts. Safe for use by many threads; agents may be added while runs are
 * under way.
 */
public final class AgentRegistry {
  private final List<AgentDefinition<?, ?>> definitions = new CopyOnWriteArrayList<>();
  private final ReentrantLock adding = new ReentrantLock();

  /** An empty registry. */
  public AgentRegistry() {}

  /**
   * Adds an agent.
   *
   * @param definition the agent
   * @throws AgentException with {@link ErrorCode#DUPLICATE_AGENT} when its name and version are
   *     taken
   */
  public void register(AgentDefinition<?, ?> definition) {
    adding.lock();
    try {
      if (get(definition.name(), definition.version()).isPresent()) {
        throw new AgentException(
            ErrorCode.DUPLICATE_AGENT,
            "agent %s is registered already; give the other one another name or version"
                .formatted(definition.queue()));
      }
      definitions.add(definition);
    } finally {
      adding.unlock();
    }
  }

  /**
   * The agent for new runs under this name: of several versions the one registered last.
   *
   * @param name the agent's name
   * @return the agent
   * @throws AgentException with {@link ErrorCode#UNKNOWN_AGENT} when there is none; the message
   *     names those there are
   */
  public AgentDefinition<?, ?> get(String name) {
    return newest(definition -> definition.name().equals(name)).orElseThrow(() -> unknown(name));
  }

  /**
   * An agent in one version.
   *
   * @param name the agent's name
   * @param version its version
   * @return the agent, empty when it isn't registered
   */
  public Optional<AgentDefinition<?, ?>> get(String name, String version) {
    return newest(d -> d.name().equals(name) && d.version().equals(version));
  }

  /**
   * The agent that new runs for a capability go to: the one of that name, else the one registered
   * last that has the capability.
   *
   * @param capability a capability or an agent's name
   * @return the agent
   * @throws AgentException with {@link ErrorCode#UNKNOWN_AGENT} when there is none; the message
   *     names those there are
   */
  public AgentDefinition<?, ?> resolve(String capability) {
    return newest(d -> d.name().equals(capability))
        .or(() -> newest(d -> d.capabilities().contains(capability)))
        .orElseThrow(() -> unknown(capability));
  }

  /**
   * All agents, in the order of registration.
   *
   * @return a snapshot
   */
  public List<AgentDefinition<?, ?>> all() {
    return List.copyOf(definitions);
  }

  /**
   * The agents that have a capability, in the order of registration.
   *
   * @param capability a capability or an agent's name
   * @return a snapshot, empty when there are none
   */
  public List<AgentDefinition<?, ?>> byCapability(String capability) {
    List<AgentDefinition<?, ?>> able = new ArrayList<>();
    for (AgentDefinition<?, ?> d : definitions) {
      if (d.name().equals(capability) || d.capabilities().contains(capability)) {
        able.add(d);
      }
    }
    return able;
  }

  /**
   * The names of all agents.
   *
   * @return a sorted snapshot
   */
  public SortedSet<String> names() {
    SortedSet<String> names = new TreeSet<>();
    definitions.forEach(d -> names.add(d.name()));
    return names;
  }

  private Optional<AgentDefinition<?, ?>> newest(
      java.util.function.Predicate<AgentDefinition<?, ?>> wanted) {
    AgentDefinition<?, ?> newest = null;
    for (AgentDefinition<?, ?> d : definitions) {
      if (wanted.test(d)) {
        newest = d;
      }
    }
    return Optional.ofNullable(newest);
  }

  private AgentException unknown(String name) {
    return new AgentException(
        ErrorCode.UNKNOWN_AGENT,
        "no agent has the name or capability '%s'; registered are %s".formatted(name, names()));
  }
}
