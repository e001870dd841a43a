package dev.troupe.providers.langchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class McpToolsTest {
  private static final String SERVER = "test";

  private final StateStore store = new MemoryStateStore();
  private final List<McpTools> open = new ArrayList<>();

  @TempDir private Path folder;
  private Path control;

  @BeforeEach
  void control() throws Exception {
    control = Files.writeString(folder.resolve("control"), "first");
  }

  @AfterEach
  void close() {
    open.forEach(McpTools::close);
  }

  private McpTools tools(Duration timeLimit) {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    McpTools tools =
        McpTools.over(store)
            .process(
                SERVER,
                List.of(
                    java,
                    "-Xshare:auto",
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path") + classes(),
                    McpServerMain.class.getName(),
                    control.toString()),
                Map.of())
            .timeLimit(timeLimit)
            .reconnectAfter(Duration.ofMillis(200))
            .build();
    open.add(tools);
    return tools;
  }

  /** Where this class lies, should the launcher keep its path elsewhere. */
  private static String classes() {
    try {
      return java.io.File.pathSeparator
          + Path.of(
              McpServerMain.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private McpTools tools() {
    return tools(Duration.ofSeconds(30));
  }

  private static McpTool tool(McpTools tools, String name) {
    return tools.tools(SERVER).stream()
        .filter(t -> t.specification().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> names(McpTools tools) {
    return tools.tools(SERVER).stream().map(t -> t.specification().name()).toList();
  }

  private static void fails(Runnable call, ErrorCode code) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void aServersToolsArePinnedAtFirstUseAndCalled() {
    McpTools tools = tools();
    assertThat(names(tools)).containsExactly("echo", "die", "big", "change", "fail", "slow");
    assertThat(tools.held(SERVER)).isEmpty();
    assertThat(tool(tools, "echo").run("{\"text\":\"x\"}")).isEqualTo("echo");
    assertThat(tool(tools, "fail").run("{}")).isEqualTo("Error: no such city");
  }

  @Test
  void aToolWhoseSchemaChangedIsHeldBackEverywhereUntilItIsApproved() {
    McpTools tools = tools();
    McpTool echo = tool(tools, "echo");
    assertThat(echo.run("{}")).isEqualTo("echo");
    tool(tools, "change").run("{}");
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> fails(() -> echo.run("{}"), ErrorCode.ACCESS_DENIED));
    assertThat(names(tools)).doesNotContain("echo").contains("fail");
    McpTools elsewhere = tools();
    assertThat(names(elsewhere)).doesNotContain("echo");

    HeldTool held = elsewhere.held(SERVER).get(0);
    assertThat(held.specification().name()).isEqualTo("echo");
    assertThat(held.isNew()).isFalse();
    elsewhere.approve(held);
    assertThat(tool(tools, "echo").run("{}")).isEqualTo("echo");
    assertThat(tools.held(SERVER)).isEmpty();
    fails(() -> echo.run("{}"), ErrorCode.ACCESS_DENIED); // an agent that still has the old one
  }

  @Test
  void aNewToolIsHeldBack() throws Exception {
    tools().tools(SERVER);
    Files.writeString(control, "more");
    McpTools later = tools();
    assertThat(names(later)).doesNotContain("extra");
    assertThat(later.held(SERVER)).hasSize(1);
    assertThat(later.held(SERVER).get(0).isNew()).isTrue();
    later.approve(later.held(SERVER).get(0));
    assertThat(names(later)).contains("extra");
  }

  @Test
  void aServerThatDiesFailsTheCallAndIsConnectedToAgain() {
    McpTools tools = tools();
    McpTool die = tool(tools, "die");
    McpTool echo = tool(tools, "echo");
    fails(() -> die.run("{}"), ErrorCode.TRANSPORT_UNAVAILABLE);
    fails(() -> echo.run("{}"), ErrorCode.TRANSPORT_UNAVAILABLE); // the pause
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(() -> echo.run("{}").equals("echo"));
  }

  @Test
  void aServerThatStaysDeadIsNotStartedAgainAndAgain() throws Exception {
    Files.writeString(control, "dead");
    McpTools tools = tools();
    long until = System.nanoTime() + Duration.ofSeconds(3).toNanos();
    int calls = 0;
    while (System.nanoTime() < until) {
      fails(() -> tools.tools(SERVER), ErrorCode.TRANSPORT_UNAVAILABLE);
      calls++;
    }
    assertThat(calls).isGreaterThan(100);
    assertThat(Files.size(folder.resolve("starts"))).isLessThan(7);
  }

  @Test
  void aResultOf20MegabytesIsAnErrorAndTheServerGoesOnAfterIt() {
    McpTools tools = tools();
    McpTool big = tool(tools, "big");
    assertThatThrownBy(() -> big.run("{}"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
        .hasMessageNotContaining("xxx");
    McpTool echo = toolSoon(tools, "echo");
    assertThat(echo.run("{}")).isEqualTo("echo");
  }

  private static McpTool toolSoon(McpTools tools, String name) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(() -> !tools.tools(SERVER).isEmpty());
    return tool(tools, name);
  }

  @Test
  void aCallThatTakesTooLongIsAnErrorAndNoResult() {
    McpTools tools = tools(Duration.ofSeconds(8));
    fails(() -> tool(tools, "slow").run("{}"), ErrorCode.TIMEOUT);
  }
}
