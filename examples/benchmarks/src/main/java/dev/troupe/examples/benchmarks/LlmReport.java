package dev.troupe.examples.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.http.client.jdk.JdkHttpClient;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.troupe.llm.Budget;
import dev.troupe.llm.Budgets;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.PriceTable;
import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
import dev.troupe.providers.OpenAi;
import dev.troupe.redis.RedisRateLimiter;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import redis.clients.jedis.RedisClient;

/** What governing a call costs, beside langchain4j's own model and a bare HTTP client. */
final class LlmReport {
  private static final int ROUNDS = 7;
  private static final int CALLS = 2_000;
  private static final int STREAMS = 500;

  /** As many as it takes until the virtual machine has compiled all that a service's calls use. */
  private static final int WARMING = 20_000;

  private static final int THREADS = 64;
  private static final String QUESTION = "What is the safety curtain for, and why was it made?";
  private static final ChatRequest REQUEST =
      ChatRequest.builder().messages(UserMessage.from(QUESTION)).build();

  private LlmReport() {}

  /** One way of asking. */
  private interface Way {
    void ask() throws Exception;

    /** Nanoseconds until the first part of the answer. */
    long firstPart() throws Exception;

    void end() throws Exception;
  }

  /** java.net.http.HttpClient, with a body written by hand and read by Jackson. */
  private static final class Bare implements Way {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final HttpRequest whole;
    private final HttpRequest streamed;

    Bare(OpenAiPeer peer) {
      whole = request(peer, false);
      streamed = request(peer, true);
    }

    private static HttpRequest request(OpenAiPeer peer, boolean stream) {
      String body =
          "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\""
              + QUESTION
              + "\"}],\"stream\":"
              + stream
              + "}";
      return HttpRequest.newBuilder(java.net.URI.create(peer.address() + "/chat/completions"))
          .header("Content-Type", "application/json")
          .header("Authorization", "Bearer key")
          .POST(HttpRequest.BodyPublishers.ofString(body))
          .build();
    }

    @Override
    public void ask() throws Exception {
      HttpResponse<byte[]> answer = client.send(whole, HttpResponse.BodyHandlers.ofByteArray());
      JsonNode json = JSON.readTree(answer.body());
      if (json.path("choices").path(0).path("message").path("content").asText().isEmpty()) {
        throw new IOException("no answer");
      }
    }

    @Override
    public long firstPart() throws Exception {
      long began = System.nanoTime();
      HttpResponse<java.util.stream.Stream<String>> answer =
          client.send(streamed, HttpResponse.BodyHandlers.ofLines());
      long[] first = new long[1];
      try (java.util.stream.Stream<String> lines = answer.body()) {
        lines.forEach(
            line -> {
              if (first[0] == 0 && line.startsWith("data:")) {
                first[0] = System.nanoTime() - began;
              }
            });
      }
      return first[0];
    }

    @Override
    public void end() {}
  }

  /** langchain4j's own models. */
  private static final class LangChain implements Way {
    private final OpenAiChatModel model;
    private final OpenAiStreamingChatModel streaming;

    LangChain(OpenAiPeer peer) {
      model =
          OpenAiChatModel.builder()
              .baseUrl(peer.address().toString())
              .apiKey("key")
              .modelName("gpt-4o-mini")
              .httpClientBuilder(JdkHttpClient.builder().httpClientBuilder(http()))
              .maxRetries(0)
              .build();
      streaming =
          OpenAiStreamingChatModel.builder()
              .baseUrl(peer.address().toString())
              .apiKey("key")
              .modelName("gpt-4o-mini")
              .httpClientBuilder(JdkHttpClient.builder().httpClientBuilder(http()))
              .build();
    }

    private static HttpClient.Builder http() {
      return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
    }

    @Override
    public void ask() {
      model.chat(REQUEST);
    }

    @Override
    public long firstPart() throws Exception {
      long began = System.nanoTime();
      CompletableFuture<Long> end = new CompletableFuture<>();
      streaming.chat(
          REQUEST,
          new StreamingChatResponseHandler() {
            private long first;

            @Override
            public void onPartialResponse(String part) {
              if (first == 0) {
                first = System.nanoTime() - began;
              }
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
              end.complete(first);
            }

            @Override
            public void onError(Throwable error) {
              end.completeExceptionally(error);
            }
          });
      return end.get();
    }

    @Override
    public void end() {}
  }

  /** The governed model with whatever it is given. */
  private record Governed(GovernedModel model, CallOptions options, List<AutoCloseable> owned)
      implements Way {
    static Governed plain(OpenAiPeer peer) {
      LlmProvider provider = provider(peer);
      GovernedModel model = GovernedModel.builder(provider).build();
      return new Governed(model, CallOptions.USUAL, List.of(model, provider));
    }

    static Governed full(OpenAiPeer peer, StateStore store, Quotas quotas, boolean budget) {
      LlmProvider provider = provider(peer);
      CircuitBreakers breakers = CircuitBreakers.builder(store).start();
      List<AutoCloseable> owned = new ArrayList<>();
      var builder =
          GovernedModel.builder(provider)
              .quotas(quotas)
              .breakers(breakers)
              .prices(PriceTable.bundled())
              .meterRegistry(new SimpleMeterRegistry());
      Budgets budgets = null;
      if (budget) {
        budgets = Budgets.over(store).perRun(Budget.ofTokens(1_000_000_000_000L)).build();
        builder.budgets(budgets);
      }
      GovernedModel model = builder.build();
      owned.add(model);
      if (budgets != null) {
        owned.add(budgets);
      }
      owned.addAll(List.of(quotas, breakers, provider));
      CallOptions options = CallOptions.builder().tenant("acme").agent("bench").root("r").build();
      return new Governed(model, options, owned);
    }

    private static LlmProvider provider(OpenAiPeer peer) {
      return OpenAi.model("gpt-4o-mini").endpoint(peer.address()).apiKey("key").build();
    }

    @Override
    public void ask() throws Exception {
      model.generate(REQUEST, options);
    }

    @Override
    public long firstPart() throws Exception {
      long began = System.nanoTime();
      long[] first = new long[1];
      model.stream(
          REQUEST,
          options,
          part -> {
            if (first[0] == 0) {
              first[0] = System.nanoTime() - began;
            }
          });
      return first[0];
    }

    @Override
    public void end() throws Exception {
      for (AutoCloseable one : owned) {
        one.close();
      }
    }
  }

  private static Quota quota() {
    return Quota.builder()
        .requestsPerMinute(100_000_000)
        .inputTokensPerMinute(10_000_000_000L)
        .outputTokensPerMinute(10_000_000_000L)
        .inFlight(500)
        .build();
  }

  private static Quotas quotas(Quotas.Builder over) {
    return over.account("openai", "default", quota())
        .eachTenant(Quota.builder().requestsPerMinute(100_000_000).build())
        .build();
  }

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "A governed call of a model",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar"
                + " examples/benchmarks/target/benchmarks.jar llm`\n\n"
                + "A peer on loopback, in the same process, speaks OpenAI's API. Raw is"
                + " `java.net.http.HttpClient` and Jackson; langchain4j its `OpenAiChatModel` over"
                + " its JDK client, HTTP/1.1; bare the governed model with nothing set; memory the"
                + " governed model with quotas of five lines, a budget of the run, a shared"
                + " breaker, prices and metrics, all over the memory store; Redis the same quotas"
                + " and breaker over Redis with AOF everysec.\n\n"
                + "Each way is asked %,d times first. ".formatted(WARMING)
                + "Medians of "
                + ROUNDS
                + " rounds after two for warming up; all take turns within each round, each coming"
                + " first in turn.");
    try (OpenAiPeer peer = OpenAiPeer.start(Duration.ZERO);
        OpenAiPeer slow = OpenAiPeer.start(Duration.ofMillis(20));
        Servers redis = Servers.start("redis")) {
      Map<String, Way> ways = ways(peer, redis);
      Map<String, Way> slowly = ways(slow, redis);
      try {
        trips(report, ways, redis);
        warm(ways);
        latency(report, ways);
        throughput(report, ways, "no delay", 150);
        throughput(report, slowly, "each answer after 20 ms", 60);
        firstPart(report, ways);
      } finally {
        for (Way way : ways.values()) {
          way.end();
        }
        for (Way way : slowly.values()) {
          way.end();
        }
      }
    }
    report.write(folder, "llm.md");
  }

  private static Map<String, Way> ways(OpenAiPeer peer, Servers redis) {
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("raw", new Bare(peer));
    ways.put("langchain4j", new LangChain(peer));
    ways.put("bare", Governed.plain(peer));
    ways.put(
        "memory", Governed.full(peer, new MemoryStateStore(), quotas(Quotas.inMemory()), true));
    ways.put(
        "Redis",
        Governed.full(
            peer,
            dev.troupe.redis.RedisStateStore.connect(redis.address()),
            quotas(Quotas.over(RedisRateLimiter.connect(redis.address()))),
            false));
    return ways;
  }

  /** In turns, because what they have in common is compiled for all of them. */
  private static void warm(Map<String, Way> ways) throws Exception {
    for (int done = 0; done < WARMING; done += CALLS) {
      System.out.printf("warming up: %,d of %,d calls of each way%n", done, WARMING);
      for (Way way : ways.values()) {
        for (int i = 0; i < CALLS; i++) {
          way.ask();
        }
      }
    }
  }

  /** A figure of each way for each round. */
  private interface Measured {
    double of(Way way) throws Exception;
  }

  private static Map<String, Double> medians(Map<String, Way> ways, Measured measured)
      throws Exception {
    List<String> names = List.copyOf(ways.keySet());
    Map<String, double[]> kept = new LinkedHashMap<>();
    names.forEach(name -> kept.put(name, new double[ROUNDS]));
    for (int round = -2; round < ROUNDS; round++) {
      for (int turn = 0; turn < names.size(); turn++) {
        String name = names.get((turn + round + 2) % names.size());
        double figure = measured.of(way(ways, name));
        if (round >= 0) {
          kept.getOrDefault(name, new double[ROUNDS])[round] = figure;
        }
      }
    }
    Map<String, Double> medians = new LinkedHashMap<>();
    kept.forEach((name, values) -> medians.put(name, Report.median(values)));
    return medians;
  }

  private static Way way(Map<String, Way> ways, String name) {
    Way way = ways.get(name);
    if (way == null) {
      throw new IllegalArgumentException(name);
    }
    return way;
  }

  private static double middle(long[] nanos) {
    Arrays.sort(nanos);
    return nanos[nanos.length / 2] / 1e3;
  }

  private static void latency(Report report, Map<String, Way> ways) throws Exception {
    Map<String, Double> micros =
        medians(
            ways,
            way -> {
              long[] nanos = new long[CALLS];
              for (int i = 0; i < CALLS; i++) {
                long began = System.nanoTime();
                way.ask();
                nanos[i] = System.nanoTime() - began;
              }
              return middle(nanos);
            });
    report.line("## One call at a time");
    report.line("");
    rows(report, micros, "µs, median of %,d calls".formatted(CALLS), "µs more than langchain4j");
    report.line("Aim: memory under 100 µs more than langchain4j.");
    report.line("");
  }

  private static void rows(
      Report report, Map<String, Double> figures, String what, String difference) {
    report.head("way", what, difference);
    double own = figures.getOrDefault("langchain4j", 0.0);
    figures.forEach(
        (name, figure) -> report.row(name, Report.number(figure), "%+.0f".formatted(figure - own)));
    report.line("");
  }

  private static void throughput(Report report, Map<String, Way> ways, String peer, int each)
      throws Exception {
    Map<String, Double> rates = medians(ways, way -> rate(way, each));
    double own = rates.getOrDefault("langchain4j", 1.0);
    report.line("## %d threads, %s".formatted(THREADS, peer));
    report.line("");
    report.head("way", "of langchain4j's", "calls a second");
    rates.forEach((name, rate) -> report.row(name, Report.number(rate / own), Report.number(rate)));
    report.line("");
    report.line("Aim: at least 0.9 of langchain4j's.");
    report.line("");
  }

  private static double rate(Way way, int each) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      CountDownLatch ready = new CountDownLatch(THREADS);
      List<Future<?>> all = new ArrayList<>();
      long began = System.nanoTime();
      for (int i = 0; i < THREADS; i++) {
        all.add(
            pool.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  for (int call = 0; call < each; call++) {
                    way.ask();
                  }
                  return true;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      return (double) THREADS * each * 1e9 / (System.nanoTime() - began);
    } finally {
      pool.shutdown();
    }
  }

  private static void firstPart(Report report, Map<String, Way> ways) throws Exception {
    Map<String, Double> micros =
        medians(
            ways,
            way -> {
              long[] nanos = new long[STREAMS];
              for (int i = 0; i < STREAMS; i++) {
                nanos[i] = way.firstPart();
              }
              return middle(nanos);
            });
    report.line("## First part of a stream");
    report.line("");
    rows(
        report, micros, "µs, median of %,d streams".formatted(STREAMS), "µs more than langchain4j");
    report.line("Aim: within 1,000 µs of langchain4j.");
    report.line("");
  }

  /** Scripts that the limiter sent, counted by the server itself. */
  private static void trips(Report report, Map<String, Way> ways, Servers redis) throws Exception {
    try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
      int calls = 500;
      Way way = way(ways, "Redis");
      long before = scripts(client);
      for (int i = 0; i < calls; i++) {
        way.ask();
      }
      // settlements go behind the calls
      Thread.sleep(500);
      long after = scripts(client);
      report.line("## Trips to Redis");
      report.line("");
      report.line(
          "%,d calls, one at a time, made the server run %s scripts each; aim: exactly two, one to reserve before the call and one to settle behind it; what goes beyond is the breakers' look at the store, twice a second. Outside a run; in a run the answer is journaled by one more."
              .formatted(calls, Report.number((after - before) / (double) calls)));
      report.line("");
    }
  }

  private static long scripts(RedisClient client) {
    long sum = 0;
    for (String line : client.info("commandstats").split("\r\n")) {
      if (line.startsWith("cmdstat_evalsha:") || line.startsWith("cmdstat_fcall:")) {
        sum += Long.parseLong(line.replaceAll(".*?:calls=([0-9]+),.*", "$1"));
      }
    }
    return sum;
  }
}
