package dev.troupe.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Makes {@code docs/guarantees.md} from the sentences in the Javadoc, the tests that are marked
 * with their numbers, and the reports of the tests that have just run in all modules; this module
 * is the last one. Fails when the page says something else; {@code -Dtroupe.write=true} writes it.
 */
class GuaranteesPageTest {
  private static final Pattern TEST_CASE =
      Pattern.compile("<testcase name=\"(\\w+)[^\"]*\" classname=\"([^\"]+)\"[^>]*?(/>|>)");
  private static final Pattern PORT_TEST =
      Pattern.compile("@Guarantee\\((\\d+)\\)\\s+(?:@\\S+\\s+)*void (\\w+)\\(");
  private static final Pattern EXTENDS =
      Pattern.compile("(?m)^(?:public )?abstract class \\w+ extends (\\w+)");
  private static final Pattern RUN_TEST =
      Pattern.compile("((?:@Tag\\(\"guarantee-\\d+\"\\)\\s+)+)(?:public )?void (\\w+)\\(");
  private static final Pattern NUMBER = Pattern.compile("guarantee-(\\d+)");

  private final Path root = root();

  /** A test that was executed, in a class of one of the reports. */
  private record Executed(String report, String type, String method) {}

  /** A column of a table: which executed tests count for it. */
  private record Column(String title, Predicate<Executed> counts) {}

  private static final List<Column> STORES =
      List.of(
          new Column("memory", in("MemoryStateStoreTest")),
          new Column("SQLite", in("SqliteStateStoreContractTest")),
          new Column("PostgreSQL 14", in("PostgresStateStoreContractTest")),
          new Column(
              "Redis 7, Jedis 8.0",
              in("RedisStateStoreContractTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column(
              "Redis 7, Jedis 7.4",
              in("RedisStateStoreContractTest").and(e -> e.report.contains("jedis-7.4"))),
          new Column(
              "Redis 6.2", in("Redis62ContractTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column(
              "Redis Cluster",
              in("RedisClusterContractTest").and(e -> !e.report.contains("jedis-7.4"))));

  private static final List<Column> LIMITS =
      List.of(
          new Column("`RateLimiter.inMemory`", in("MemoryRateLimiterTest")),
          new Column("memory", in("StoreRateLimiterContractTest")),
          new Column("SQLite", in("SqliteRateLimiterTest")),
          new Column("PostgreSQL 14", in("PostgresRateLimiterTest")),
          new Column(
              "Redis 7", in("RedisStoreRateLimiterTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column(
              "`RedisRateLimiter`, Redis 7",
              in("RedisRateLimiterContractTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column("`RedisRateLimiter`, Redis 6.2", in("RedisRateLimiter62Test")),
          new Column("`RedisRateLimiter`, Redis Cluster", in("RedisLimiterClusterTest")),
          new Column("`LeasedRateLimiter`, memory", in("LeasedRateLimiterContractTest")));

  private static final List<Column> BREAKERS =
      List.of(
          new Column("memory", in("CircuitBreakerContractTest")),
          new Column("SQLite", in("SqliteCircuitBreakerTest")),
          new Column("PostgreSQL 14", in("PostgresCircuitBreakerTest")),
          new Column(
              "Redis 7", in("RedisCircuitBreakerTest").and(e -> !e.report.contains("jedis-7.4"))));

  private static final List<Column> TRANSPORTS =
      List.of(
          new Column("memory", in("MemoryTransportTest")),
          new Column("SQLite", in("SqliteTransportTest")),
          new Column("PostgreSQL 14", in("PostgresTransportTest")),
          new Column(
              "store in Redis 7",
              in("RedisStoreTransportTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column(
              "Redis Streams", in("RedisTransportTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column(
              "Kafka 4.4",
              in("KafkaTransportContractTest").and(e -> !e.report.contains("kafka-clients-old"))),
          new Column("Kafka share groups", in("ShareContractTest")));

  private static final List<Column> BUSES =
      List.of(
          new Column("memory", in("MemoryBusTest")),
          new Column("SQLite", in("SqliteBusTest")),
          new Column("PostgreSQL 14", in("PostgresBusTest")),
          new Column(
              "store in Redis 7",
              in("RedisStoreBusTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column("Redis Streams", in("RedisBusTest").and(e -> !e.report.contains("jedis-7.4"))),
          new Column("Kafka 4.4, SQLite", in("KafkaBusTest")));

  private static final List<Column> PROVIDERS =
      List.of(
          new Column("any langchain4j model", in("LangChainProviderContractTest")),
          new Column("OpenAI", in("HttpPresetsTest$OfOpenAi")),
          new Column("Azure OpenAI", in("HttpPresetsTest$OfAzure")),
          new Column("Anthropic", in("HttpPresetsTest$OfAnthropic")),
          new Column("Gemini", in("HttpPresetsTest$OfGemini")),
          new Column("Mistral", in("HttpPresetsTest$OfMistral")),
          new Column("Bedrock", in("HttpPresetsTest$OfBedrock")),
          new Column("Ollama", in("HttpPresetsTest$OfOllama")),
          new Column("`ScriptedModel`", in("ScriptedModelContractTest")));

  private static final String STORE_CONTRACT = "StateStoreContract";
  private static final String LIMIT_CONTRACT = "RateLimiterContract";
  private static final String BREAKER_CONTRACT = "CircuitBreakerContract";
  private static final String TRANSPORT_CONTRACT = "EventTransportContract";
  private static final String BUS_CONTRACT = "EventBusContract";
  private static final String PROVIDER_CONTRACT = "LlmProviderContract";

  private static final List<Column> RUNS =
      List.of(
          new Column("memory", e -> !of(e, "Sqlite") && !of(e, "Postgres") && !of(e, "Redis")),
          new Column("SQLite", e -> of(e, "Sqlite")),
          new Column("PostgreSQL 14", e -> of(e, "Postgres")),
          new Column("Redis 7", e -> of(e, "Redis") && !e.report.contains("jedis-7.4")));

  private static Predicate<Executed> in(String type) {
    return executed -> executed.type.endsWith("." + type);
  }

  private static boolean of(Executed executed, String adapter) {
    return executed.type.substring(executed.type.lastIndexOf('.') + 1).startsWith(adapter);
  }

  @Test
  void thePageSaysWhatWasTested() throws IOException {
    String page = page();
    Path file = root.resolve("docs/guarantees.md");
    if (Boolean.getBoolean("troupe.write")) {
      Files.writeString(file, page);
    }
    assertThat(Files.readString(file))
        .as(
            "docs/guarantees.md against the tests that have run; if they are the right ones, write"
                + " it with mvn clean verify -Dtroupe.write=true")
        .isEqualTo(page);
  }

  private String page() throws IOException {
    List<Executed> executed = executed();
    Map<Integer, List<String>> runs =
        tests(RUN_TEST, file -> true, "agent-core/src/test", "agent-testkit/src");
    return """
    # Guarantees

    Made by `GuaranteesPageTest` from the Javadoc, the tests marked with a guarantee's number, and the reports of the last build. A cell says how many executed tests held that sentence to that adapter; all of them succeeded. Read [what we do not promise](what-we-do-not-promise.md), too.

    ## Runs

    The sentences of `AgentRuntime`. Column 'memory' also has the protocol's model and tests with stores that fail on purpose.

    %s
    ## Stores

    The sentences of `StateStore`; the tests are those of `StateStoreContract`. For each test there is a store broken on purpose that fails it and no other sentence's (`StateStoreContractTest`).

    %s
    ## Limits

    The sentences of `RateLimiter`, held by `RateLimiter.inMemory`, by `StoreRateLimiter` over each store, by `RedisRateLimiter` and by `LeasedRateLimiter`; the tests are those of `RateLimiterContract`, with a limiter broken on purpose for each sentence (`StoreRateLimiterContractTest`).

    %s
    ## Circuit breakers

    The sentences of `CircuitBreaker` over each store; the tests are those of `CircuitBreakerContract`, with a store that spoils what is shared for sentences 1, 2, 4, 5 and 6 (`CircuitBreakerContractTest`).

    %s
    ## Event transports

    The sentences of `EventTransport`; the tests are those of `EventTransportContract`. For each sentence there is a transport broken on purpose that fails it and no other (`BrokenTransportsTest`).

    %s
    ## The event bus

    The sentences of `EventBus` over each transport, with dead letters and what waits in the same store; the tests are those of `EventBusContract`. For each test there is a bus broken on purpose that fails it and no other sentence's (`BrokenBusesTest`).

    %s
    ## Providers of language models

    The sentences of `LlmProvider`, over wires on loopback that fail in every known way; the tests are those of `LlmProviderContract`, with a provider broken on purpose for each test (`BrokenProvidersTest`).

    %s\
    """
        .formatted(
            table(sentences("runtime/AgentRuntime.java"), runs, RUNS, executed, true),
            table("state/StateStore.java", STORE_CONTRACT, STORES, executed),
            table("resilience/RateLimiter.java", LIMIT_CONTRACT, LIMITS, executed),
            table("resilience/CircuitBreaker.java", BREAKER_CONTRACT, BREAKERS, executed),
            table("event/EventTransport.java", TRANSPORT_CONTRACT, TRANSPORTS, executed),
            table("event/EventBus.java", BUS_CONTRACT, BUSES, executed),
            table("llm/LlmProvider.java", PROVIDER_CONTRACT, PROVIDERS, executed));
  }

  private String table(String port, String contract, List<Column> columns, List<Executed> executed)
      throws IOException {
    Map<Integer, List<String>> tests =
        tests(PORT_TEST, classes(contract)::contains, "agent-testkit/src/main");
    return table(sentences(port), tests, columns, executed, false);
  }

  /** The files of a contract: its own, and those of the classes that it stands on. */
  private List<Path> classes(String contract) throws IOException {
    List<Path> classes = new ArrayList<>();
    Path kit = root.resolve("agent-testkit/src/main/java/dev/troupe/testkit");
    for (String type = contract; type != null; ) {
      Path file = kit.resolve(type + ".java");
      classes.add(file);
      Matcher parent = EXTENDS.matcher(Files.readString(file));
      type = parent.find() ? parent.group(1) : null;
    }
    return classes;
  }

  private static String table(
      List<String> sentences,
      Map<Integer, List<String>> tests,
      List<Column> columns,
      List<Executed> executed,
      boolean named) {
    StringBuilder table = new StringBuilder("| | guarantee |");
    columns.forEach(column -> table.append(' ').append(column.title).append(" |"));
    table.append("\n| --- | --- |").append(" ---: |".repeat(columns.size())).append('\n');
    StringBuilder names = new StringBuilder();
    for (int n = 1; n <= sentences.size(); n++) {
      List<String> methods = tests.getOrDefault(n, List.of());
      assertThat(methods).as("tests of guarantee %d: %s", n, sentences.get(n - 1)).isNotEmpty();
      table.append("| ").append(n).append(" | ").append(sentences.get(n - 1)).append(" |");
      for (Column column : columns) {
        long count =
            executed.stream()
                .filter(e -> methods.contains(e.method) && column.counts.test(e))
                .count();
        table.append(' ').append(count == 0 ? "" : count).append(" |");
      }
      table.append('\n');
      names.append("\n").append(n).append(". ");
      names.append(String.join(", ", methods.stream().map(m -> "`" + m + "`").toList()));
    }
    return named ? table + "\nTheir tests:\n" + names + "\n" : table.toString();
  }

  /** The items of the first numbered list of a Javadoc, as Markdown. */
  private List<String> sentences(String source) throws IOException {
    String text =
        Files.readString(root.resolve("agent-core/src/main/java/dev/troupe").resolve(source));
    String list = text.substring(text.indexOf("<ol>") + 4, text.indexOf("</ol>"));
    List<String> sentences = new ArrayList<>();
    for (String item : list.split("<li>")) {
      String sentence =
          item.replaceAll("\n \\*", " ")
              .replaceAll("\\s+", " ")
              .replaceAll("\\{@(?:code|link) (?:[\\w.]+(?=#))?#?([^}]+)}", "`$1`")
              .strip();
      if (sentence.length() > 1) {
        sentences.add(sentence);
      }
    }
    return sentences;
  }

  /** The methods that are marked with each number. */
  private Map<Integer, List<String>> tests(
      Pattern marked, Predicate<Path> wanted, String... folders) throws IOException {
    Map<Integer, TreeSet<String>> found = new TreeMap<>();
    for (String folder : folders) {
      for (Path source : files(root.resolve(folder), ".java").stream().filter(wanted).toList()) {
        for (MatchResult test : marked.matcher(Files.readString(source)).results().toList()) {
          Stream<String> numbers =
              marked == RUN_TEST
                  ? NUMBER.matcher(test.group(1)).results().map(n -> n.group(1))
                  : Stream.of(test.group(1));
          numbers.forEach(
              n ->
                  found
                      .computeIfAbsent(Integer.valueOf(n), none -> new TreeSet<>())
                      .add(test.group(2)));
        }
      }
    }
    Map<Integer, List<String>> tests = new LinkedHashMap<>();
    found.forEach((number, methods) -> tests.put(number, List.copyOf(methods)));
    return tests;
  }

  private List<Executed> executed() throws IOException {
    List<Executed> executed = new ArrayList<>();
    for (String module :
        List.of(
            "agent-core",
            "agent-testkit",
            "agent-jdbc",
            "agent-redis",
            "agent-kafka",
            "agent-llm-providers")) {
      Path reports = root.resolve(module).resolve("target/surefire-reports");
      assertThat(reports)
          .as("the tests of %s have run: this page is made by mvn verify of all modules", module)
          .isDirectory();
      for (Path report : files(reports, ".xml")) {
        String name = String.valueOf(report.getFileName());
        for (MatchResult test : TEST_CASE.matcher(Files.readString(report)).results().toList()) {
          String type = test.group(2).replaceAll("\\(.*\\)", ""); // surefire adds its suffix
          executed.add(new Executed(name, type, test.group(1)));
        }
      }
    }
    return executed;
  }

  private static List<Path> files(Path folder, String ending) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("agent-core"))) {
      folder = folder.getParent();
    }
    return folder;
  }
}
