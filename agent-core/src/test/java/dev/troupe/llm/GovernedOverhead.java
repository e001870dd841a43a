package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.state.MemoryStateStore;
import java.math.BigDecimal;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What a governed call costs over the bare provider: a program, for reports. */
final class GovernedOverhead {
  private GovernedOverhead() {}

  /** Asks. */
  private interface Call {
    LlmResponse make() throws InterruptedException;
  }

  public static void main(String[] args) throws InterruptedException {
    LlmResponse answer = PlayedProvider.response(AiMessage.from("hello"), FinishReason.STOP);
    LlmProvider bare =
        new LlmProvider() {
          @Override
          public String name() {
            return "bare";
          }

          @Override
          public String model() {
            return "m";
          }

          @Override
          public LlmResponse generate(ChatRequest request, CallLimits limits) {
            return answer;
          }

          @Override
          public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink) {
            return answer;
          }
        };
    ChatRequest request = PlayedProvider.ask("x".repeat(2_000));
    AtomicLong budget = new AtomicLong(Long.MAX_VALUE);
    Gates gates =
        Gates.NONE
            .with(
                (Gates.Budget)
                    (root, tenant, input, output, cost) -> {
                      budget.addAndGet(-input - output);
                      return new Budgets.Charge() {
                        @Override
                        public void used(long in, long out, @Nullable BigDecimal price) {
                          budget.addAndGet(input + output - in - out);
                        }

                        @Override
                        public void unused() {}
                      };
                    })
            .with(
                (Gates.Quota)
                    (ask, maxWait) ->
                        new Quotas.Ticket() {
                          @Override
                          public void used(long in, long out, Map<String, String> headers) {}

                          @Override
                          public void unused() {}

                          @Override
                          public void failed(LlmException failure) {}
                        })
            .with((Gates.Price) (provider, model, in, out) -> Optional.of(BigDecimal.ONE));
    try (CircuitBreakers breakers = CircuitBreakers.builder(new MemoryStateStore()).start();
        GovernedModel plain = GovernedModel.builder(bare).breakers(breakers).build();
        GovernedModel gated = GovernedModel.builder(bare).breakers(breakers).gates(gates).build()) {
      for (int round = 0; round < 3; round++) {
        report("bare provider", () -> bare.generate(request, CallLimits.USUAL));
        report("governed, nothing configured", () -> plain.generate(request));
        report("governed, gates in memory", () -> gated.generate(request));
      }
    }
  }

  @SuppressWarnings("SystemOut")
  private static void report(String what, Call call) throws InterruptedException {
    int times = 200_000;
    long began = System.nanoTime();
    long text = 0;
    for (int i = 0; i < times; i++) {
      text += call.make().text().length();
    }
    double micros = (System.nanoTime() - began) / 1e3 / times;
    System.out.printf("%-32s %8.3f us a call (%d)%n", what, micros, text);
  }
}
