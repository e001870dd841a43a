package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.llm.guard.Guards;
import dev.troupe.llm.guard.Turn;

/**
 * A call with the host's guards around it: the only way from a {@link GovernedModel} to its
 * governor.
 *
 * @param run the run that asks, empty outside runs
 * @param number which call of the binding to the run it is, 0 outside runs
 */
record GuardedCall(Governor governor, Guards guards, String run, int number) {
  LlmResponse make(Call call) throws InterruptedException {
    if (guards.guards().isEmpty()) {
      return governor.answer(call);
    }
    ChatRequest request = passed(call, call.request());
    ChatRequest described = call.described() == null ? null : passed(call, call.described());
    LlmResponse answer =
        governor.answer(new Call(request, described, call.options(), call.shown()));
    ChatResponse response =
        answer.response().toBuilder()
            .aiMessage(guards.afterModel(turn(call, request), answer.message()))
            .build();
    return new LlmResponse(
        response,
        answer.provider(),
        answer.complete(),
        answer.latency(),
        answer.cost(),
        answer.headers(),
        answer.failed());
  }

  private ChatRequest passed(Call call, ChatRequest request) {
    return request.toBuilder().messages(guards.beforeModel(turn(call, request))).build();
  }

  private Turn turn(Call call, ChatRequest request) {
    return new Turn(run, call.options().tenant(), number, request.messages());
  }
}
