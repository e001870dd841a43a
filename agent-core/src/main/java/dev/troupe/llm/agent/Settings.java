package dev.troupe.llm.agent;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.agent.AgentContext;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmSink;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.ProposedCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What was said of an agent; copied from its builder and left alone from then on. */
final class Settings<I, O> {
  final GovernedModel model;
  final Class<O> output;
  Function<I, List<ChatMessage>> input;
  @Nullable String instructions;
  final Map<String, AgentTool> tools = new LinkedHashMap<>();
  final List<Guard> guards = new ArrayList<>();
  final List<ToolPolicy> policies = new ArrayList<>();
  Approvals approvals = Approvals.within(Duration.ofDays(1));
  Predicate<ProposedCall> approval = call -> false;
  int maxSteps = 30;
  int maxRepairs = 3;
  int maxRepeats = 3;
  int maxIdleRounds = 5;
  int parallelTools = 4;
  @Nullable CallOptions options;
  Consumer<ChatRequest.Builder> request = builder -> {};
  @Nullable BiFunction<I, AgentContext, Memory> memory;
  @Nullable Function<AgentContext, @Nullable LlmSink> tokens;

  Settings(GovernedModel model, Class<O> output, Function<I, List<ChatMessage>> input) {
    this.model = model;
    this.output = output;
    this.input = input;
  }

  Settings<I, O> copy() {
    Settings<I, O> copy = new Settings<>(model, output, input);
    copy.instructions = instructions;
    copy.tools.putAll(tools);
    copy.guards.addAll(guards);
    copy.policies.addAll(policies);
    copy.approvals = approvals;
    copy.approval = approval;
    copy.maxSteps = maxSteps;
    copy.maxRepairs = maxRepairs;
    copy.maxRepeats = maxRepeats;
    copy.maxIdleRounds = maxIdleRounds;
    copy.parallelTools = parallelTools;
    copy.options = options;
    copy.request = request;
    copy.memory = memory;
    copy.tokens = tokens;
    return copy;
  }
}
