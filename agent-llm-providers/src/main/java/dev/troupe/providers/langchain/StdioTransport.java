package dev.troupe.providers.langchain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.mcp.client.McpCallContext;
import dev.langchain4j.mcp.client.transport.McpOperationHandler;
import dev.langchain4j.mcp.client.transport.McpTransport;
import dev.langchain4j.mcp.protocol.McpClientMessage;
import dev.langchain4j.mcp.protocol.McpInitializationNotification;
import dev.langchain4j.mcp.protocol.McpInitializeRequest;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server that is a process of this machine, spoken to over its standard input and output. Unlike
 * LangChain4j's own it never holds more than a bounded message in memory: who sends a larger one is
 * ended.
 */
final class StdioTransport implements McpTransport {
  static final String TOO_LARGE = "its message is larger than allowed";

  private static final Logger LOG = LoggerFactory.getLogger(StdioTransport.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String server;
  private final List<String> command;
  private final Map<String, String> environment;
  private final int maxMessage;
  private final ReentrantLock writing = new ReentrantLock();
  private volatile @Nullable Process process;
  private volatile @Nullable McpOperationHandler handler;

  StdioTransport(
      String server, List<String> command, Map<String, String> environment, int maxMessage) {
    this.server = server;
    this.command = List.copyOf(command);
    this.environment = Map.copyOf(environment);
    this.maxMessage = maxMessage;
  }

  @Override
  public void start(McpOperationHandler messageHandler) {
    handler = messageHandler;
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD); // may hold anything; not for our logs
    try {
      Process started = builder.start();
      process = started;
      Thread reader = new Thread(() -> read(started, messageHandler), "troupe-mcp-" + server);
      reader.setDaemon(true);
      reader.start();
    } catch (IOException e) {
      throw new IllegalStateException("the server's process can't be started", e);
    }
  }

  private void read(Process from, McpOperationHandler to) {
    String why = "its process has ended";
    try (InputStream in = new BufferedInputStream(from.getInputStream())) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int c = in.read(); c >= 0; c = in.read()) {
        if (c != '\n') {
          line.write(c);
        } else if (line.size() > 0) {
          handle(line.toByteArray(), to);
          line = new ByteArrayOutputStream();
        }
        if (line.size() > maxMessage) {
          why = TOO_LARGE;
          break;
        }
      }
    } catch (IOException closed) {
      LOG.debug("MCP server {} is no longer read", server, closed);
    } finally {
      from.destroyForcibly();
      to.cancelAllPendingOperations(why);
    }
  }

  private void handle(byte[] line, McpOperationHandler to) throws IOException {
    JsonNode message;
    try {
      message = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      LOG.warn("MCP server {} wrote a line that is no message; passed over", server);
      return;
    }
    if (message != null && message.isObject()) {
      try {
        to.handle(message);
      } catch (RuntimeException e) {
        LOG.warn("a message of MCP server {} could not be handled", server, e);
      }
    }
  }

  @Override
  public CompletableFuture<JsonNode> initialize(McpInitializeRequest request) {
    return send(request, request.getId())
        .thenApply(
            answer -> {
              told(new McpInitializationNotification());
              return answer;
            });
  }

  @Override
  public CompletableFuture<JsonNode> executeOperationWithResponse(McpClientMessage request) {
    return send(request, request.getId());
  }

  @Override
  public CompletableFuture<JsonNode> executeOperationWithResponse(McpCallContext context) {
    return send(context.message(), context.message().getId());
  }

  @Override
  public void executeOperationWithoutResponse(McpClientMessage request) {
    told(request);
  }

  @Override
  public void executeOperationWithoutResponse(McpCallContext context) {
    told(context.message());
  }

  /** Nobody answers these; what goes wrong shows with the next call. */
  private void told(McpClientMessage message) {
    CompletableFuture<JsonNode> unused = send(message, null);
  }

  private CompletableFuture<JsonNode> send(McpClientMessage message, @Nullable Long id) {
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    McpOperationHandler started = handler;
    Process to = process;
    if (started == null || to == null) {
      throw new IllegalStateException("the transport was not started");
    }
    if (id != null) {
      started.startOperation(id, answer);
    }
    writing.lock();
    try {
      OutputStream out = to.getOutputStream();
      out.write((JSON.writeValueAsString(message) + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      answer.completeExceptionally(e);
    } finally {
      writing.unlock();
    }
    if (!to.isAlive()) { // its reader may have cancelled what was pending before this was
      answer.completeExceptionally(new IllegalStateException("its process has ended"));
    }
    return answer;
  }

  @Override
  public void checkHealth() {
    Process known = process;
    if (known == null || !known.isAlive()) {
      throw new IllegalStateException("its process has ended");
    }
  }

  @Override
  public void onFailure(Runnable actionOnFailure) {}

  @Override
  public void close() {
    Process known = process;
    if (known != null) {
      known.destroy();
    }
  }
}
