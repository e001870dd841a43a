package dev.troupe.providers.langchain;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A small MCP server over standard input and output; a file says which tools it has. */
final class McpServerMain {
  private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*(\\d+)");
  private static final Pattern NAME = Pattern.compile("\"name\"\\s*:\\s*\"(\\w+)\"");

  private McpServerMain() {}

  public static void main(String[] args) throws Exception {
    Path control = Path.of(args[0]);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Files.writeString(
        control.resolveSibling("starts"),
        "x",
        java.nio.file.StandardOpenOption.CREATE,
        java.nio.file.StandardOpenOption.APPEND);
    if (Files.readString(control).contains("dead")) {
      System.exit(3);
    }
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Matcher id = ID.matcher(line);
      if (!id.find()) {
        continue; // a notification
      }
      out.println(
          "{\"jsonrpc\":\"2.0\",\"id\":"
              + id.group(1)
              + ",\"result\":"
              + result(line, control, out)
              + "}");
    }
  }

  private static String result(String line, Path control, PrintStream out) throws Exception {
    if (line.contains("\"initialize\"")) {
      return "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"test\",\"version\":\"1\"}}";
    }
    String now = Files.readString(control);
    if (line.contains("\"tools/list\"")) {
      String limit = now.contains("changed") ? ",\"maxLength\":5" : "";
      String more = now.contains("more") ? "," + tool("extra", "") : "";
      return "{\"tools\":["
          + tool("echo", limit)
          + ","
          + tool("die", "")
          + ","
          + tool("big", "")
          + ","
          + tool("change", "")
          + ","
          + tool("fail", "")
          + ","
          + tool("slow", "")
          + more
          + "]}";
    }
    if (!line.contains("\"tools/call\"")) {
      return "{}";
    }
    Matcher name = NAME.matcher(line);
    String tool = name.find() ? name.group(1) : "";
    switch (tool) {
      case "die":
        Runtime.getRuntime().halt(9);
        return "{}";
      case "big":
        return text("x".repeat(20_000_000), false);
      case "change":
        Files.writeString(control, "changed");
        out.println("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
        return text("changed", false);
      case "fail":
        return text("no such city", true);
      case "slow":
        Thread.sleep(60_000);
        return text("late", false);
      default:
        return text("echo", false);
    }
  }

  private static String tool(String name, String more) {
    return "{\"name\":\""
        + name
        + "\",\"description\":\"does "
        + name
        + "\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\""
        + more
        + "}}}}";
  }

  private static String text(String text, boolean isError) {
    return "{\"content\":[{\"type\":\"text\",\"text\":\""
        + text
        + "\"}],\"isError\":"
        + isError
        + "}";
  }
}
