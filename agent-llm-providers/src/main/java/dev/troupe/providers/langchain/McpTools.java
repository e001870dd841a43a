package dev.troupe.providers.langchain;

import dev.langchain4j.mcp.client.transport.McpTransport;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * The tools of MCP servers, as they were approved. At the first use of a server all its tools are
 * pinned in the store, by a fingerprint of everything that the server says of each. From then on a
 * tool that is new, or of which the server says anything else, is held back, in all processes,
 * until somebody {@linkplain #approve approves} it.
 *
 * <p>A server that dies fails the calls under way and is connected to again by a later one, after a
 * pause that doubles up to a minute. A result that is too large is an error; a server that is a
 * process of this machine is ended before it fills the memory.
 *
 * <p>Safe for use by many threads.
 */
public final class McpTools implements AutoCloseable {
  private final Map<String, McpConnection> connections = new LinkedHashMap<>();
  private final McpPins pins;

  private McpTools(Builder b) {
    this.pins = new McpPins(b.store);
    b.servers.forEach(
        (server, transports) ->
            connections.put(
                server,
                new McpConnection(server, transports, b.timeLimit, b.maxResult, b.reconnectAfter)));
  }

  /**
   * Starts tools.
   *
   * @param store where approvals lie; not closed by this
   * @return a builder
   */
  public static Builder over(StateStore store) {
    return new Builder(store);
  }

  private McpConnection connection(String server) {
    McpConnection connection = connections.get(server);
    if (connection == null) {
      throw new IllegalArgumentException(
          "there is no MCP server '%s'; there are %s".formatted(server, connections.keySet()));
    }
    return connection;
  }

  /**
   * The tools of a server that agents may be given.
   *
   * @param server the server's name
   * @return those whose schema is the approved one
   * @throws AgentException with {@link ErrorCode#TRANSPORT_UNAVAILABLE} when the server can't be
   *     reached
   */
  public List<McpTool> tools(String server) {
    Map<String, McpConnection.Listed> listed = connection(server).tools();
    Map<String, String> approved = pins.of(server, prints(listed));
    List<McpTool> tools = new ArrayList<>();
    listed.forEach(
        (name, tool) -> {
          if (tool.fingerprint().equals(approved.get(name))) {
            tools.add(new McpTool(this, server, tool.specification(), tool.fingerprint()));
          }
        });
    return tools;
  }

  /**
   * The tools of a server that are held back.
   *
   * @param server the server's name
   * @return those that are new or have changed
   * @throws AgentException with {@link ErrorCode#TRANSPORT_UNAVAILABLE} when the server can't be
   *     reached
   */
  public List<HeldTool> held(String server) {
    Map<String, McpConnection.Listed> listed = connection(server).tools();
    Map<String, String> approved = pins.of(server, prints(listed));
    List<HeldTool> held = new ArrayList<>();
    listed.forEach(
        (name, tool) -> {
          if (!tool.fingerprint().equals(approved.get(name))) {
            held.add(
                new HeldTool(
                    server, tool.specification(), tool.fingerprint(), !approved.containsKey(name)));
          }
        });
    return held;
  }

  private static Map<String, String> prints(Map<String, McpConnection.Listed> listed) {
    Map<String, String> prints = new LinkedHashMap<>();
    listed.forEach((name, tool) -> prints.put(name, tool.fingerprint()));
    return prints;
  }

  /**
   * Lets agents have a tool as it was shown; should it have changed again, it stays held back.
   *
   * @param tool what was held back
   */
  public void approve(HeldTool tool) {
    pins.approve(tool.server(), tool.specification().name(), tool.fingerprint());
  }

  String run(String server, String tool, String fingerprint, String arguments) {
    McpConnection connection = connection(server);
    McpConnection.Listed now = connection.tools().get(tool);
    if (now == null || !now.fingerprint().equals(fingerprint)) {
      throw new AgentException(
          ErrorCode.ACCESS_DENIED,
          "tool %s of MCP server %s is no longer what was approved; it is held back until somebody approves it"
              .formatted(tool, server));
    }
    String result = connection.call(tool, arguments);
    connection.worked();
    return result;
  }

  /** Ends all connections, and the processes of servers that were started here. */
  @Override
  public void close() {
    connections.values().forEach(McpConnection::close);
  }

  /** Collects servers and bounds. Not safe for several threads. */
  public static final class Builder {
    private final StateStore store;
    private final Map<String, Supplier<McpTransport>> servers = new LinkedHashMap<>();
    private Duration timeLimit = Duration.ofMinutes(1);
    private Duration reconnectAfter = Duration.ofSeconds(1);
    private int maxResult = 1_000_000;

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Adds a server that is a process of this machine.
     *
     * @param name the server's name, 1 to 200 characters
     * @param command how it is started
     * @param environment of the process, beside this one's
     * @return this
     */
    public Builder process(String name, List<String> command, Map<String, String> environment) {
      List<String> copy = List.copyOf(command);
      Map<String, String> copied = Map.copyOf(environment);
      // JSON may take six characters for one, and there is something around the text
      return server(
          name,
          () ->
              new StdioTransport(
                  name, copy, copied, (int) Math.min(1 << 30, maxResult * 6L + 65_536)));
    }

    /**
     * Adds a server that is reached by any of langchain4j's transports.
     *
     * @param name the server's name, 1 to 200 characters
     * @param transports gives a new one for each connection
     * @return this
     */
    public Builder server(String name, Supplier<McpTransport> transports) {
      if (name.isEmpty() || name.length() > 200 || name.indexOf('/') >= 0) {
        throw new IllegalArgumentException(
            "a server's name has 1 to 200 characters, none of them a slash: '" + name + "'");
      }
      servers.put(name, Objects.requireNonNull(transports, "transports"));
      return this;
    }

    /**
     * Limits each call of a server, and the time to connect to it.
     *
     * @param timeLimit more than zero; a minute unless set
     * @return this
     */
    public Builder timeLimit(Duration timeLimit) {
      if (timeLimit.isNegative() || timeLimit.isZero()) {
        throw new IllegalArgumentException("timeLimit must be more than zero: " + timeLimit);
      }
      this.timeLimit = timeLimit;
      return this;
    }

    /**
     * Sets the pause after a first failure; each that follows doubles it, up to a minute.
     *
     * @param reconnectAfter more than zero; a second unless set
     * @return this
     */
    public Builder reconnectAfter(Duration reconnectAfter) {
      if (reconnectAfter.isNegative() || reconnectAfter.isZero()) {
        throw new IllegalArgumentException(
            "reconnectAfter must be more than zero: " + reconnectAfter);
      }
      this.reconnectAfter = reconnectAfter;
      return this;
    }

    /**
     * Limits the text of a result.
     *
     * @param characters at least 1; a million unless set
     * @return this
     */
    public Builder maxResult(int characters) {
      if (characters < 1) {
        throw new IllegalArgumentException("maxResult must be at least 1: " + characters);
      }
      this.maxResult = characters;
      return this;
    }

    /**
     * Builds the tools. Nothing is connected to before it is used.
     *
     * @return the tools
     */
    public McpTools build() {
      return new McpTools(this);
    }
  }
}
