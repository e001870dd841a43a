package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.ToolExecutionException;
import dev.langchain4j.mcp.client.DefaultMcpClient;
import dev.langchain4j.mcp.client.McpClient;
import dev.langchain4j.mcp.client.transport.McpTransport;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection to one MCP server, made when it is needed. One that failed is given up and made anew
 * by the next call, not before a pause that doubles with each failure.
 */
final class McpConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(McpTools.class);
  private static final long LONGEST_PAUSE = TimeUnit.MINUTES.toNanos(1);

  private final String server;
  private final Supplier<McpTransport> transports;
  private final Duration timeLimit;
  private final int maxResult;
  private final long firstPause;
  private final ReentrantLock connecting = new ReentrantLock();
  private @Nullable Live live;
  private long pause;
  private long notBefore;
  private boolean closed;

  /** What is connected. */
  private record Live(McpClient client, ListingTransport transport, String late) {}

  /** A tool as the server lists it. */
  record Listed(ToolSpecification specification, String fingerprint) {}

  McpConnection(
      String server,
      Supplier<McpTransport> transports,
      Duration timeLimit,
      int maxResult,
      Duration firstPause) {
    this.server = server;
    this.transports = transports;
    this.timeLimit = timeLimit;
    this.maxResult = maxResult;
    this.firstPause = firstPause.toNanos();
  }

  /** The server's tools; asks it again only after it said that they changed. */
  Map<String, Listed> tools() {
    Live now = connected();
    try {
      Map<String, Listed> tools = new LinkedHashMap<>();
      for (ToolSpecification tool : now.client.listTools()) {
        String print = now.transport.fingerprint(tool.name());
        if (tools.put(tool.name(), new Listed(tool, print)) != null) {
          throw new AgentException(
              ErrorCode.INVALID_INPUT,
              "MCP server %s lists two tools named %s".formatted(server, tool.name()));
        }
      }
      return tools;
    } catch (AgentException known) {
      throw known;
    } catch (RuntimeException failed) {
      throw givenUp(now, failed);
    }
  }

  String call(String tool, String arguments) {
    Live now = connected();
    String text;
    boolean isError;
    try {
      ToolExecutionRequest request =
          ToolExecutionRequest.builder().name(tool).arguments(arguments).build();
      text = now.client.executeTool(request).resultText();
      isError = false;
    } catch (ToolExecutionException failed) {
      if (isOfTransport(failed)) {
        throw givenUp(now, failed);
      }
      text = String.valueOf(failed.getMessage());
      isError = true;
    } catch (RuntimeException failed) {
      throw givenUp(now, failed);
    }
    if (text != null && text.contains(now.late)) { // LangChain4j gives a timeout as a result
      givenUp(now, new IllegalStateException("it did not answer in time"));
      throw new AgentException(
          ErrorCode.TIMEOUT,
          "tool %s of MCP server %s gave no result within %s ms"
              .formatted(tool, server, timeLimit.toMillis()));
    }
    if (text != null && text.length() > maxResult) {
      throw tooLarge();
    }
    return isError ? "Error: " + text : String.valueOf(text);
  }

  /** What the tool itself reports has a message and no deeper cause. */
  private static boolean isOfTransport(ToolExecutionException failed) {
    Throwable cause = failed.getCause();
    return failed.errorCode() == null
        && cause != null
        && (cause instanceof IOException || cause instanceof IllegalStateException);
  }

  private AgentException tooLarge() {
    return new AgentException(
        ErrorCode.LIMIT_EXCEEDED,
        "MCP server %s answered with more than the %d characters that are allowed; ask it for less, or allow more"
            .formatted(server, maxResult));
  }

  private Live connected() {
    connecting.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, "the tools of MCP servers were closed");
      }
      if (live != null) {
        return live;
      }
      long left = notBefore - System.nanoTime();
      if (pause > 0 && left > 0) {
        throw new AgentException(
            ErrorCode.TRANSPORT_UNAVAILABLE,
            "MCP server %s is away; it is tried again in %d ms"
                .formatted(server, TimeUnit.NANOSECONDS.toMillis(left)));
      }
      ListingTransport transport = new ListingTransport(transports.get());
      String late = "late-" + UUID.randomUUID();
      try {
        live = new Live(client(transport, late), transport, late);
        return live;
      } catch (RuntimeException failed) {
        close(transport);
        later();
        throw unavailable(failed);
      }
    } finally {
      connecting.unlock();
    }
  }

  private McpClient client(McpTransport transport, String late) {
    return DefaultMcpClient.builder()
        .key(server)
        .clientName("troupe")
        .transport(transport)
        .initializationTimeout(timeLimit)
        .toolExecutionTimeout(timeLimit)
        .resourcesTimeout(timeLimit)
        .toolExecutionTimeoutErrorMessage(late)
        .autoHealthCheck(false)
        .cacheToolList(true)
        .logHandler(message -> {}) // what a server writes may hold anything
        .build();
  }

  private void later() {
    pause = pause == 0 ? firstPause : Math.min(LONGEST_PAUSE, pause * 2);
    notBefore = System.nanoTime() + pause;
  }

  private AgentException givenUp(Live failed, RuntimeException why) {
    connecting.lock();
    try {
      if (failed.equals(live)) {
        live = null;
        later();
      }
    } finally {
      connecting.unlock();
    }
    close(failed);
    boolean large = String.valueOf(why.getMessage()).contains(StdioTransport.TOO_LARGE);
    return large ? tooLarge() : unavailable(why);
  }

  /** A call went well: the next failure begins with the shortest pause. */
  void worked() {
    connecting.lock();
    try {
      pause = 0;
    } finally {
      connecting.unlock();
    }
  }

  private AgentException unavailable(RuntimeException why) {
    return new AgentException(
        ErrorCode.TRANSPORT_UNAVAILABLE,
        "MCP server %s died or can't be reached; whether a call that was under way had its effect is unknown"
            .formatted(server),
        why);
  }

  private void close(Live connected) {
    try {
      connected.client.close();
    } catch (Exception e) {
      LOG.debug("a client of MCP server {} could not be closed", server, e);
    }
    close(connected.transport);
  }

  private void close(McpTransport transport) {
    try {
      transport.close();
    } catch (IOException | RuntimeException e) {
      LOG.debug("the transport of MCP server {} could not be closed", server, e);
    }
  }

  @Override
  public void close() {
    Live last;
    connecting.lock();
    try {
      closed = true;
      last = live;
      live = null;
    } finally {
      connecting.unlock();
    }
    if (last != null) {
      close(last);
    }
  }
}
