package dev.troupe.providers.langchain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.langchain4j.mcp.client.McpCallContext;
import dev.langchain4j.mcp.client.transport.McpOperationHandler;
import dev.langchain4j.mcp.client.transport.McpTransport;
import dev.langchain4j.mcp.protocol.McpClientMessage;
import dev.langchain4j.mcp.protocol.McpInitializeRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Another transport that also takes the fingerprints of tools as the server lists them: of all that
 * it says, as LangChain4j's own form of a schema leaves some of it out.
 */
final class ListingTransport implements McpTransport {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private final McpTransport transport;
  private final Map<String, String> fingerprints = new ConcurrentHashMap<>();

  ListingTransport(McpTransport transport) {
    this.transport = transport;
  }

  /** Of a tool that was listed; empty text for others. */
  String fingerprint(String tool) {
    return fingerprints.getOrDefault(tool, "");
  }

  private JsonNode noted(JsonNode answer) {
    for (JsonNode tool : answer.path("result").path("tools")) {
      String name = tool.path("name").asText("");
      if (!name.isEmpty()) {
        fingerprints.put(name, print(tool));
      }
    }
    return answer;
  }

  private static String print(JsonNode tool) {
    try {
      // as a map, so that the order of properties does not count
      String text = JSON.writeValueAsString(JSON.treeToValue(tool, Object.class));
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (JsonProcessingException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("a tool's listing has no fingerprint", e);
    }
  }

  @Override
  public CompletableFuture<JsonNode> executeOperationWithResponse(McpClientMessage request) {
    return transport.executeOperationWithResponse(request).thenApply(this::noted);
  }

  @Override
  public CompletableFuture<JsonNode> executeOperationWithResponse(McpCallContext context) {
    return transport.executeOperationWithResponse(context).thenApply(this::noted);
  }

  @Override
  public void start(McpOperationHandler messageHandler) {
    transport.start(messageHandler);
  }

  @Override
  public CompletableFuture<JsonNode> initialize(McpInitializeRequest request) {
    return transport.initialize(request);
  }

  @Override
  public void executeOperationWithoutResponse(McpClientMessage request) {
    transport.executeOperationWithoutResponse(request);
  }

  @Override
  public void executeOperationWithoutResponse(McpCallContext context) {
    transport.executeOperationWithoutResponse(context);
  }

  @Override
  public void checkHealth() {
    transport.checkHealth();
  }

  /** Nobody reconnects below: {@link McpConnection} does, within bounds. */
  @Override
  public void onFailure(Runnable actionOnFailure) {
    transport.onFailure(() -> {});
  }

  @Override
  public void close() throws IOException {
    transport.close();
  }
}
