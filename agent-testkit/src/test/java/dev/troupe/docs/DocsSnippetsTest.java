package dev.troupe.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Resolution;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.agent.UnknownOutcome;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Overflow;
import dev.troupe.event.Position;
import dev.troupe.event.StoreTransport;
import dev.troupe.event.Subscription;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.CircuitOpenException;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.EventTriggers;
import dev.troupe.runtime.RemoteAgents;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.RuntimeHealth;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashEverywhere;
import dev.troupe.testkit.MovableClock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code that the documents show; {@link SnippetsTest} compares them with the marked regions. */
@Timeout(60)
class DocsSnippetsTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  /** The world outside: remembers what was asked of it, and fails when told so. */
  static final class Shop {
    final List<String> calls = new CopyOnWriteArrayList<>();
    final Map<String, String> receipts = new ConcurrentHashMap<>();
    final AtomicInteger failures = new AtomicInteger();

    private String answer(String call) {
      calls.add(call);
      if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new IllegalStateException("the shop is closed");
      }
      return call;
    }

    int price(String item) {
      return answer("price " + item).length();
    }

    String reserve(String item, String key) {
      assertThat(key).hasSize(36);
      return answer("reserve " + item);
    }

    String release(String reservation, String key) {
      assertThat(key).hasSize(36);
      return answer("release " + reservation);
    }

    String pay(String item, int price, String key) {
      assertThat(key).hasSize(36);
      String receipt = answer("pay " + price + " for " + item);
      receipts.put(key, receipt);
      return receipt;
    }

    @Nullable String receipt(String key) {
      return receipts.get(key);
    }

    String remind(String item) {
      return answer("remind of " + item);
    }
  }

  private final Shop shop = new Shop();

  private static AgentDefinition<String, String> greeter() {
    return AgentDefinition.of(
            "greeter",
            String.class,
            String.class,
            (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
        .build();
  }

  private AgentDefinition<String, Integer> price() {
    return AgentDefinition.of(
            "price",
            String.class,
            Integer.class,
            (item, context) -> context.step("look up", Integer.class, a -> shop.price(item)))
        .build();
  }

  private static AgentDefinition<String, String> agent(
      String name, dev.troupe.agent.Agent<String, String> code) {
    return AgentDefinition.of(name, String.class, String.class, code)
        .retry(RetryPolicy.fixed(3, Duration.ofMillis(5)))
        .build();
  }

  private static String resultOf(AgentDefinition<?, ?>... agents) throws InterruptedException {
    AgentRuntime.Builder builder = AgentRuntime.builder();
    for (AgentDefinition<?, ?> agent : agents) {
      builder.agent(agent);
    }
    try (AgentRuntime runtime = builder.start()) {
      return runtime.submit(agents[0].name(), "tea", String.class).await(SOON);
    }
  }

  @Test
  void firstAgent() throws Exception {
    // snippet: first-agent
    AgentDefinition<String, String> greeter =
        AgentDefinition.of(
                "greeter",
                String.class,
                String.class,
                (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
            .build();

    try (AgentRuntime runtime = AgentRuntime.builder().agent(greeter).start()) {
      String hello = runtime.submit("greeter", "Ada", String.class).await();
      assertThat(hello).isEqualTo("Hello Ada");
    }
    // end
  }

  // snippet: steps
  String buy(String item, AgentContext context) {
    int price = context.step("ask price", Integer.class, attempt -> shop.price(item));
    return context.step(
        "pay", String.class, attempt -> shop.pay(item, price, attempt.idempotencyKey()));
  }

  // end

  @Test
  void steps() throws Exception {
    assertThat(resultOf(agent("buy", this::buy))).isEqualTo("pay 9 for tea");
  }

  // snippet: time-and-chance
  String draw(String item, AgentContext context) {
    Instant now = context.now(); // the store's time of this branch's last effect
    int winner = context.random().nextInt(10);
    String ticket = context.newId(); // a UUID
    return context.step(
        "announce", String.class, attempt -> ticket + " " + winner + " at " + now + ": " + item);
  }

  // end

  @Test
  void timeAndChance() throws Exception {
    assertThat(resultOf(agent("draw", this::draw))).endsWith(": tea");
  }

  @Test
  void call() throws Exception {
    AgentDefinition<String, String> offer =
        agent(
            "offer",
            (item, context) -> {
              // snippet: call
              int price = context.call("price", item, Integer.class);
              // end
              return item + " " + price;
            });
    assertThat(resultOf(offer, price())).isEqualTo("tea 9");
  }

  // snippet: call-limit
  int priceOf(String item, AgentContext context) {
    try {
      return context.call(
          Call.of("price", item, Integer.class).timeLimit(Duration.ofSeconds(30)).build());
    } catch (StepFailedException e) {
      return 10; // the list price will do
    }
  }

  // end

  @Test
  void callThatFails() throws Exception {
    shop.failures.set(99);
    AgentDefinition<String, Integer> failing =
        AgentDefinition.of(
                "price",
                String.class,
                Integer.class,
                (item, context) -> context.step("look up", Integer.class, a -> shop.price(item)))
            .retry(RetryPolicy.none())
            .build();
    assertThat(resultOf(agent("offer", (item, context) -> "" + priceOf(item, context)), failing))
        .isEqualTo("10");
  }

  // snippet: all
  int total(List<String> items, AgentContext context) {
    List<Branch<Integer>> branches = new ArrayList<>();
    for (String item : items) {
      branches.add(branch -> branch.call("price", item, Integer.class));
    }
    List<Integer> prices = context.all("prices", 4, branches); // at most 4 at once
    return prices.stream().mapToInt(Integer::intValue).sum();
  }

  // end

  @Test
  void all() throws Exception {
    AgentDefinition<String, String> basket =
        agent("basket", (item, context) -> "" + total(List.of(item, item, "cake"), context));
    assertThat(resultOf(basket, price())).isEqualTo("28");
  }

  @Test
  void any() throws Exception {
    AgentDefinition<String, String> race =
        agent(
            "race",
            (item, context) -> {
              // snippet: any
              String first =
                  context.any(
                      "race",
                      2,
                      List.<Branch<String>>of(
                          branch -> branch.step("ask one", String.class, a -> shop.remind("one")),
                          branch -> branch.step("ask two", String.class, a -> shop.remind("two"))));
              // end
              return first;
            });
    assertThat(resultOf(race)).startsWith("remind of ");
  }

  // snippet: sleep
  String remind(String item, AgentContext context) {
    context.sleep(Duration.ofDays(1));
    return context.step("remind", String.class, attempt -> shop.remind(item));
  }

  // end

  // snippet: signal
  String askFirst(String item, AgentContext context) {
    Optional<String> answer = context.awaitSignal("approval", String.class, Duration.ofDays(3));
    if (answer.isEmpty()) {
      return "nobody answered";
    }
    return answer.get().equals("yes") ? buy(item, context) : "not wanted";
  }

  // end

  @Test
  void signal() throws Exception {
    try (AgentRuntime runtime =
        AgentRuntime.builder().agent(agent("ask", this::askFirst)).start()) {
      RunHandle<String> run =
          runtime.submit(Submission.of("ask", "tea", String.class).id("order-17").build());
      // snippet: send-signal
      boolean taken = runtime.signal("order-17", "approval", "click-1", "yes");
      // end
      assertThat(taken).isTrue();
      assertThat(run.await(SOON)).isEqualTo("pay 9 for tea");
    }
  }

  // snippet: retry
  String payPatiently(String item, AgentContext context) {
    Step<String> pay =
        Step.of("pay", String.class)
            .retry(
                BackoffRetryPolicy.builder(5)
                    .delay(Duration.ofMillis(100))
                    .maxDelay(Duration.ofMinutes(1))
                    .retryOn(failure -> failure instanceof IllegalStateException)
                    .build())
            .timeLimit(Duration.ofSeconds(10)) // of each attempt
            .build();
    return context.step(pay, attempt -> shop.pay(item, 3, attempt.idempotencyKey()));
  }

  // end

  @Test
  void retry() throws Exception {
    shop.failures.set(1);
    assertThat(resultOf(agent("pay", this::payPatiently))).isEqualTo("pay 3 for tea");
    assertThat(shop.calls).hasSize(2);
  }

  @Test
  void unknown() throws Exception {
    // snippet: unknown
    Step<String> pay =
        Step.of("pay", String.class)
            .timeLimit(Duration.ofSeconds(1))
            .whenUnknown(
                UnknownOutcome.reconcile(
                    lost -> {
                      String receipt = shop.receipt(lost.idempotencyKey());
                      return receipt == null ? Resolution.repeat() : Resolution.done(receipt);
                    }))
            .build();
    // end
    AgentDefinition<String, String> buyer =
        agent(
            "buyer",
            (item, context) ->
                context.step(pay, attempt -> shop.pay(item, 3, attempt.idempotencyKey())));
    CrashEverywhere.over(
            () -> {
              shop.calls.clear();
              shop.receipts.clear();
              return new MemoryStateStore();
            })
        .run(
            builder -> {
              try (AgentRuntime runtime = builder.agent(buyer).start()) {
                Submission<String> order =
                    Submission.of("buyer", "tea", String.class).id("order-1").build();
                String paid = runtime.submit(order).await();
                assertThat(shop.calls).as("payments").containsExactly("pay 3 for tea");
                return paid;
              }
            });
  }

  // snippet: compensate
  String order(String item, AgentContext context) {
    Step<String> reserve =
        Step.of("reserve", String.class)
            .compensate((reserved, attempt) -> shop.release(reserved, attempt.idempotencyKey()))
            .build();
    String reserved =
        context.step(reserve, attempt -> shop.reserve(item, attempt.idempotencyKey()));
    return context.step(
        "pay", String.class, attempt -> shop.pay(reserved, 3, attempt.idempotencyKey()));
  }

  // end

  @Test
  void compensate() throws Exception {
    AgentDefinition<String, String> order =
        agent(
            "order",
            (item, context) -> {
              order(item, context);
              throw new IllegalArgumentException("changed my mind");
            });
    assertThatThrownBy(() -> resultOf(order)).hasMessageContaining("changed my mind");
    assertThat(shop.calls).last().isEqualTo("release reserve tea");
  }

  @Test
  void deadlineAndCancel() {
    // snippet: deadline
    AgentDefinition<String, String> reminder =
        AgentDefinition.of("reminder", String.class, String.class, this::remind)
            .deadline(Duration.ofDays(2))
            .build();
    // end
    try (AgentRuntime runtime = AgentRuntime.builder().agent(reminder).start()) {
      // snippet: cancel
      RunHandle<String> run = runtime.submit("reminder", "tea", String.class);
      boolean asked = run.cancel("no longer needed"); // or runtime.cancel(id, reason)
      // end
      assertThat(asked).isTrue();
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_CANCELLED));
    }
  }

  @Test
  void submittingTwice() throws Exception {
    try (AgentRuntime runtime = AgentRuntime.builder().agent(agent("buy", this::buy)).start()) {
      // snippet: submit-id
      Submission<String> order = Submission.of("buy", "tea", String.class).id("order-17").build();
      RunHandle<String> first = runtime.submit(order);
      RunHandle<String> again = runtime.submit(order); // the same run
      assertThat(again.id()).isEqualTo(first.id());
      assertThat(again.isNew()).isFalse();
      // end
      assertThat(first.await(SOON)).isEqualTo(again.await(SOON));
      assertThat(shop.calls).hasSize(2);
    }
  }

  @Test
  void keys() throws Exception {
    try (AgentRuntime runtime = AgentRuntime.builder().agent(agent("buy", this::buy)).start()) {
      // snippet: key
      RunHandle<String> run =
          runtime.submit(
              Submission.of("buy", "tea", String.class).key("customer-5").id("order-17").build());
      assertThat(run.id()).isEqualTo("customer-5/order-17");
      // end
      run.await(SOON);
    }
  }

  @Test
  void looking() throws Exception {
    List<String> failures = new CopyOnWriteArrayList<>();
    // snippet: listener
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.StepFailed failed) {
            failures.add(failed.run() + " " + failed.path() + " " + failed.failure().kind());
          }
        };
    // end
    shop.failures.set(1);
    try (AgentRuntime runtime =
        AgentRuntime.builder().listener(listener).agent(agent("buy", this::buy)).start()) {
      runtime.submit(Submission.of("buy", "tea", String.class).id("order-17").build()).await(SOON);
      // snippet: look
      RunView view = runtime.run("order-17").orElseThrow();
      assertThat(view.state()).isEqualTo(RunView.State.SUCCEEDED);
      assertThat(view.journal()).extracting(RunView.Line::path).contains("ask price#1", "pay#1");
      // end
    }
    assertThat(failures).containsExactly("order-17 ask price#1 java.lang.IllegalStateException");
  }

  @Test
  void limits() throws Exception {
    StateStore store = new MemoryStateStore();
    // snippet: limits
    Limit requests = Limit.rate(60, Duration.ofMinutes(1)); // in any minute, 6 of them at once
    Limit tokens = Limit.rate(100_000, Duration.ofMinutes(1), 20_000);
    Limit calls = Limit.inFlight(8, Duration.ofMinutes(5));
    RateLimiter limiter = new StoreRateLimiter(store);
    RateLimiter.Demand demand =
        new RateLimiter.Demand(
            "openai",
            List.of(
                new RateLimiter.Line("requests", requests, 1),
                new RateLimiter.Line("tokens", tokens, 4_000),
                new RateLimiter.Line("calls", calls, 1)));
    if (limiter.acquire(demand, Duration.ofSeconds(30))
        instanceof RateLimiter.Decision.Granted granted) {
      int used = callTheModel();
      limiter.settle(List.of(granted.reservation().used("tokens", used)));
    }
    // end
    assertThat(limiter.reserve(demand).granted()).isTrue();
  }

  /** What the guide's events are about. */
  record Order(String id, int total) {}

  @Test
  void events() throws Exception {
    List<Order> ledger = new CopyOnWriteArrayList<>();
    Order order = new Order("order-7", 40);
    StateStore store = new MemoryStateStore();
    // snippet: events
    EventBus bus = EventBus.over(store); // or EventBus.builder(transport, store)
    bus.subscribe("orders", "billing")
        .retry(RetryPolicy.exponential(5))
        .start((event, context) -> ledger.add(event.data(Order.class)));
    bus.publish("orders", Event.builder("order.placed").key(order.id()).json(order).build());
    // end
    await().atMost(SOON).untilAsserted(() -> assertThat(ledger).containsExactly(order));
    // snippet: events-later
    Event reminder = Event.builder("order.remind").key(order.id()).json(order).build();
    bus.publishAfter("orders", reminder, Duration.ofHours(24));
    // end
    // snippet: events-dead
    for (DeadLetter letter : bus.deadLetters().list("billing", null, 20).items()) {
      System.out.println(letter + ": " + letter.error());
      bus.deadLetters().replay(letter.id()); // or replay(id, mended), discard(id)
    }
    bus.deadLetters().replayAll("billing", 10); // a second
    // end
    List<String> audited = new CopyOnWriteArrayList<>();
    // snippet: events-patterns
    bus.subscribe(List.of("orders", "invoices.*"), "audit")
        .start((event, context) -> audited.add(context.topic() + " " + event.type()));
    // end
    bus.publish("invoices.eu", Event.builder("invoice.sent").json(1).build());
    await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(audited).contains("invoices.eu invoice.sent"));
    List<Integer> shown = new CopyOnWriteArrayList<>();
    // snippet: events-everyone
    bus.subscribe("progress", "dashboard")
        .mode(Subscription.Mode.EVERYONE)
        .maxInFlight(100)
        .overflow(Overflow.DROP_OLDEST)
        .start(
            (event, context) -> {
              if (context.missed() > 0) {
                shown.clear(); // something is missing before this one
              }
              shown.add(event.data(Integer.class));
            });
    // end
    bus.publish("progress", Event.of("percent", 40));
    await().atMost(SOON).untilAsserted(() -> assertThat(shown).containsExactly(40));
    // snippet: events-following
    bus.subscribe("orders", "invoicing")
        .types("order.paid")
        .start(
            (event, context) -> {
              Event invoice = Event.of("invoice.due", event.id());
              context.publish("invoices.new", invoice);
              bus.publishAfter("invoices.late", context.following(invoice), Duration.ofDays(14));
            });
    // end
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Event paid = Event.builder("order.paid").traceparent(trace).json(order).build();
    bus.publish("orders", paid);
    await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(audited).contains("invoices.new invoice.due"));
    assertThat(bus.history("invoices.new", Position.START, 1).items().get(0).content())
        .isInstanceOfSatisfying(
            Delivery.Decoded.class,
            one -> assertThat(one.event().causationId()).contains(paid.id()));
    AgentRuntime runtime =
        AgentRuntime.builder()
            .store(store)
            .agent(
                AgentDefinition.of(
                        "ship",
                        Order.class,
                        String.class,
                        (input, context) ->
                            context.awaitSignal("paid", String.class) + " " + input.id())
                    .build())
            .start();
    // snippet: events-runs
    bus.subscribe("orders", "shipping")
        .types("order.placed")
        .start(EventTriggers.start(runtime, "ship", Order.class));
    bus.subscribe("payments", "shipping")
        .start(EventTriggers.signal(runtime, "paid", String.class));
    // end
    Event placed = Event.builder("order.placed").key(order.id()).json(order).build();
    bus.publish("orders", placed);
    String run = EventTriggers.runId(placed);
    bus.publish("payments", Event.builder("payment").correlationId(run).json("paid").build());
    await().atMost(SOON).until(() -> runtime.run(run).isPresent());
    assertThat(runtime.handle(run, String.class).await(SOON)).isEqualTo("paid order-7");
    bus.close(Duration.ofSeconds(1));
    runtime.close();
  }

  @Test
  void eventsThatRunsPublish() throws Exception {
    StateStore store = new MemoryStateStore();
    EventBus bus = EventBus.over(store);
    // snippet: events-publish
    AgentDefinition<Order, String> pack =
        AgentDefinition.of(
                "pack",
                Order.class,
                String.class,
                (order, context) -> {
                  String box =
                      context.step("pack", String.class, attempt -> "box of " + order.id());
                  context.publish(
                      "parcels", Event.builder("parcel.packed").key(order.id()).json(box).build());
                  return box;
                })
            .build();
    AgentRuntime runtime = AgentRuntime.builder().store(store).events(bus).agent(pack).start();
    // end
    BlockingQueue<String> parcels = new LinkedBlockingQueue<>();
    bus.subscribe("parcels", "vans")
        .start((event, context) -> parcels.add(String.valueOf(event.data(String.class))));
    runtime.submit("pack", new Order("order-7", 1), String.class).await(SOON);
    assertThat(parcels.poll(SOON.toSeconds(), TimeUnit.SECONDS)).isEqualTo("box of order-7");
    runtime.close();
    bus.close(Duration.ofSeconds(1));
  }

  @Test
  void agentsOfOtherServices() throws Exception {
    StateStore between = new MemoryStateStore();
    StoreTransport transport = StoreTransport.builder(between).build();
    StateStore shopStore = new MemoryStateStore();
    StateStore bakeryStore = new MemoryStateStore();
    EventBus shopBus = EventBus.builder(transport, shopStore).build();
    EventBus bakeryBus = EventBus.builder(transport, bakeryStore).build();
    AgentDefinition<String, String> bake =
        AgentDefinition.of(
                "bake", String.class, String.class, (cake, context) -> cake + " cake, warm")
            .build();
    // snippet: remote-agents
    // the shop: its bus is over its own store, and both services share what carries the events
    RemoteAgents shop = RemoteAgents.over(shopBus, "shop");
    AgentRuntime seller =
        AgentRuntime.builder()
            .store(shopStore)
            .events(shopBus)
            .agent(shop.agent("bake", String.class, String.class)) // called as any other
            .start();
    shop.listen(seller);

    // the bakery
    AgentRuntime baker = AgentRuntime.builder().store(bakeryStore).events(bakeryBus).start();
    RemoteAgents.over(bakeryBus, "bakery").serve(baker, bake);
    // end
    assertThat(seller.submit("bake", "plum", String.class).await(SOON))
        .isEqualTo("plum cake, warm");
    shopBus.close(Duration.ofSeconds(1));
    bakeryBus.close(Duration.ofSeconds(1));
    seller.close();
    baker.close();
    transport.close();
  }

  @Test
  void breakers() throws Exception {
    StateStore store = new MemoryStateStore();
    // snippet: breaker
    CircuitBreakers breakers = CircuitBreakers.builder(store).name("worker-1").start();
    CircuitBreaker openai =
        breakers.breaker(
            "openai",
            BreakerSettings.builder()
                .failureRate(0.5) // of the last 100 calls of a process
                .openTime(Duration.ofSeconds(30))
                .quorum(2) // processes that find it open
                .build());
    int tokens = openai.call(() -> callTheModel());
    // end
    assertThat(tokens).isEqualTo(1_000);
    // snippet: breaker-open
    openai.open(Duration.ofMinutes(10), "quota is used up");
    try {
      openai.call(() -> callTheModel());
    } catch (CircuitOpenException e) {
      Duration left = e.retryAfter().orElseThrow(); // nothing was called
      assertThat(left).isLessThanOrEqualTo(Duration.ofMinutes(10));
    }
    openai.override(CircuitBreaker.Mode.FORCED_CLOSED, "ada", "the quota was raised");
    // end
    assertThat(openai.state()).isEqualTo(CircuitBreaker.State.CLOSED);
    breakers.close();
  }

  private static int callTheModel() {
    return 1_000;
  }

  @Test
  void healthAndMetrics() throws Exception {
    AgentDefinition<String, String> buy = agent("buy", this::buy);
    MeterRegistry registry = new SimpleMeterRegistry();
    try (AgentRuntime runtime = AgentRuntime.builder().meterRegistry(registry).agent(buy).start()) {
      // snippet: health
      RuntimeHealth health = runtime.health();
      boolean ready = health.state() == RuntimeHealth.State.UP;
      boolean alive = health.state() != RuntimeHealth.State.DOWN;
      // end
      assertThat(ready).isTrue();
      assertThat(alive).isTrue();
      assertThat(health.problems()).isEmpty();
      assertThat(registry.get("troupe.health").gauge().value()).isEqualTo(2);
    }
  }

  @Test
  void anAgentThatMayGetStuck() {
    // snippet: stuck
    AgentDefinition<String, String> reminder =
        AgentDefinition.of("reminder", String.class, String.class, this::remind)
            .stuckAfter(Duration.ofMinutes(10))
            .build();
    // end
    assertThat(reminder.stuckAfter()).contains(Duration.ofMinutes(10));
  }

  @Test
  void handles() throws Exception {
    try (AgentRuntime runtime = AgentRuntime.builder().agent(agent("buy", this::buy)).start()) {
      runtime.submit(Submission.of("buy", "tea", String.class).id("order-17").build());
      // snippet: handle
      RunHandle<String> run = runtime.handle("order-17", String.class);
      String paid = run.await(Duration.ofSeconds(30));
      // end
      assertThat(paid).isEqualTo("pay 9 for tea");
    }
  }

  @Test
  void shuttingDown() throws Exception {
    // snippet: close
    AgentRuntime runtime =
        AgentRuntime.builder()
            .agent(agent("buy", this::buy))
            .shutdownGrace(Duration.ofSeconds(5)) // finish what can be finished
            .start();
    // end
    assertThat(runtime.submit("buy", "tea", String.class).await(SOON)).isEqualTo("pay 9 for tea");
    runtime.close();
  }

  @Test
  void versions() throws Exception {
    // snippet: version
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .agent(
                AgentDefinition.of("order", String.class, String.class, this::buy)
                    .version("1") // until its last run has ended
                    .build())
            .agent(
                AgentDefinition.of("order", String.class, String.class, this::order)
                    .version("2") // new runs begin here: it was registered last
                    .build());
    // end
    try (AgentRuntime runtime = builder.start()) {
      assertThat(runtime.submit("order", "tea", String.class).await(SOON))
          .isEqualTo("pay 3 for reserve tea");
    }
  }

  @Test
  void resuming() throws Exception {
    AgentDefinition<String, String> careless =
        agent(
            "careless",
            (item, context) -> {
              try {
                context.sleep(Duration.ofDays(1));
              } catch (Throwable t) {
                return "swallowed";
              }
              return item;
            });
    MemoryStateStore store = new MemoryStateStore();
    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(careless).start()) {
      runtime.submit(Submission.of("careless", "tea", String.class).id("order-17").build());
      await().until(() -> runtime.run("order-17").orElseThrow().state() == RunView.State.STOPPED);
    }
    AgentDefinition<String, String> mended = agent("careless", (item, context) -> item);
    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(mended).start()) {
      // snippet: resume
      runtime.resume("order-17");
      // end
      assertThat(runtime.handle("order-17", String.class).await(SOON)).isEqualTo("tea");
    }
  }

  @Test
  void timeInTests() throws Exception {
    AgentDefinition<String, String> reminder = agent("reminder", this::remind);
    // snippet: movable-clock
    MovableClock clock = new MovableClock();
    try (AgentRuntime runtime =
        AgentRuntime.builder().store(new MemoryStateStore(64, clock)).agent(reminder).start()) {
      RunHandle<String> run = runtime.submit("reminder", "tea", String.class);
      await().until(() -> runtime.run(run.id()).orElseThrow().state() == RunView.State.WAITING);
      clock.advance(Duration.ofDays(1).plusMinutes(1));
      assertThat(run.await(Duration.ofSeconds(10))).isEqualTo("remind of tea");
    }
    // end
  }

  @Test
  void crashes() {
    AgentDefinition<String, String> greeter = greeter();
    // snippet: crash-everywhere
    CrashEverywhere.Report report =
        CrashEverywhere.over(MemoryStateStore::new)
            .run(
                builder -> {
                  try (AgentRuntime runtime = builder.agent(greeter).start()) {
                    return runtime
                        .submit(Submission.of("greeter", "Ada", String.class).id("1").build())
                        .await();
                  }
                });
    assertThat(report.crashes()).isPositive();
    // end
  }
}
