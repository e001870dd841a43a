package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What LangChain4j was measured to report wrongly comes out right, for every provider. */
@Timeout(60)
class ModelFaultsTest {
  private static final ChatRequest REQUEST =
      ChatRequest.builder().messages(UserMessage.from("Which bird was it?")).build();
  private static final CallLimits LIMITS =
      new CallLimits(Duration.ofSeconds(20), Duration.ofMillis(700), 1_000_000);

  /** What goes wrong on the wire, and what has to come of it. */
  enum Fault {
    STREAM_ENDS_WITHOUT_A_MARK(ErrorCode.ANSWER_INCOMPLETE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.end();
      }
    },
    STREAM_IS_CUT(ErrorCode.ANSWER_INCOMPLETE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.cut();
      }
    },
    EVENT_IS_MALFORMED_THEN_END(ErrorCode.ANSWER_INCOMPLETE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.part(spoken == Spoken.OLLAMA ? "{\"model\":\n" : "data: {\"id\":\n\n");
        reply.end();
      }
    },
    ERROR_IN_PLACE_OF_AN_ANSWER(ErrorCode.MODEL_OVERLOADED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.begin(200, spoken.type());
        reply.part(spoken.bytes(spoken.error("overloaded_error", "Overloaded")));
        reply.end();
      }
    },
    ERROR_AFTER_A_PART(ErrorCode.MODEL_OVERLOADED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.part(spoken.bytes(spoken.error("overloaded_error", "Overloaded")));
        reply.end();
      }
    },
    FAILURE_AFTER_A_PART(ErrorCode.MODEL_FAILED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.part(spoken.bytes(spoken.error("api_error", "it broke")));
        reply.end();
      }
    },
    ERROR_THAT_KNOWS_OF_NO_STREAMS(ErrorCode.MODEL_OVERLOADED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.whole(
            200,
            "application/json",
            "{\n \"error\": {\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}\n}");
      }
    },
    PAGE_OF_A_PROXY(ErrorCode.MODEL_UNREACHABLE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.whole(200, "text/html", "<html>\n<body>Sign in: here</body>\n</html>\n");
      }
    },
    NOTHING(ErrorCode.MODEL_UNREACHABLE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.whole(200, spoken.type(), "");
      }
    },
    CONNECTION_CLOSES_BEFORE_AN_ANSWER(ErrorCode.MODEL_UNREACHABLE) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.cut();
      }
    },
    STREAM_STALLS_AFTER_A_PART(ErrorCode.TIMEOUT) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        begun(spoken, reply);
        reply.silence();
      }
    },
    OVERLOADED_BY_STATUS(ErrorCode.MODEL_OVERLOADED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.whole(529, "text/plain", "overloaded");
      }
    },
    LIMITED_WITH_A_WAIT(ErrorCode.RATE_LIMITED) {
      @Override
      void answer(Spoken spoken, RawPeer.Reply reply) throws IOException {
        reply.whole(429, "application/json", "{}", "Retry-After: 7");
      }
    };

    final ErrorCode code;

    Fault(ErrorCode code) {
      this.code = code;
    }

    abstract void answer(Spoken spoken, RawPeer.Reply reply) throws IOException;

    static void begun(Spoken spoken, RawPeer.Reply reply) throws IOException {
      reply.begin(200, spoken.type());
      for (String event : spoken.begin()) {
        reply.part(spoken.bytes(event));
      }
      reply.part(spoken.bytes(spoken.part("It was ")));
    }
  }

  static Stream<Arguments> faultsOfStreams() {
    return Stream.of(Spoken.values())
        .flatMap(spoken -> Stream.of(Fault.values()).map(fault -> Arguments.of(spoken, fault)));
  }

  @ParameterizedTest
  @MethodSource("faultsOfStreams")
  void aStreamThatGoesWrongFailsAtOnceAndSaysHow(Spoken spoken, Fault fault) {
    try (RawPeer peer = new RawPeer((request, reply) -> fault.answer(spoken, reply));
        LlmProvider provider = spoken.at(peer, "k-1")) {
      List<String> parts = new ArrayList<>();
      long began = System.nanoTime();
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.stream(REQUEST, LIMITS, parts::add));
      assertThat(failure.code()).as(failure.getMessage()).isEqualTo(fault.code);
      assertThat(failure.partial()).isEqualTo(String.join("", parts));
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
      assertThat(peer.requests).hasSize(1);
      if (fault == Fault.LIMITED_WITH_A_WAIT) {
        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
      }
    }
  }

  static Stream<Arguments> faultsOfAnswers() {
    return Stream.of(Spoken.values())
        .flatMap(
            spoken ->
                Stream.of(
                    Arguments.of(spoken, "<html>Sign in</html>", ErrorCode.MODEL_UNREACHABLE),
                    Arguments.of(spoken, "", ErrorCode.MODEL_UNREACHABLE),
                    Arguments.of(spoken, "{\"id\":\"x", ErrorCode.ANSWER_INCOMPLETE),
                    Arguments.of(spoken, "{}", ErrorCode.ANSWER_INCOMPLETE),
                    Arguments.of(spoken, "{\"a\":".repeat(100_000), ErrorCode.ANSWER_INCOMPLETE),
                    Arguments.of(
                        spoken,
                        "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
                        ErrorCode.MODEL_OVERLOADED)));
  }

  @ParameterizedTest
  @MethodSource("faultsOfAnswers")
  void anAnswerThatIsNoneFails(Spoken spoken, String body, ErrorCode code) {
    try (RawPeer peer =
            new RawPeer((request, reply) -> reply.whole(200, "application/json", body));
        LlmProvider provider = spoken.at(peer, "k-1")) {
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.generate(REQUEST, LIMITS));
      assertThat(failure.code()).as(failure.getMessage()).isEqualTo(code);
      assertThat(peer.requests).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aToolCallThatTheLimitOfTokensCutIsNeverTakenForOneToMake(Spoken spoken) throws Exception {
    boolean pieces = spoken != Spoken.GEMINI && spoken != Spoken.OLLAMA;
    String arguments = pieces ? "{\"city\":\"Os" : "{\"city\":\"Os\"}";
    try (RawPeer peer =
            new RawPeer(
                (request, reply) -> {
                  reply.begin(200, spoken.type());
                  for (String event : spoken.begin()) {
                    reply.part(spoken.bytes(event));
                  }
                  reply.part(spoken.bytes(spoken.tool("weather", arguments)));
                  for (String event : spoken.end("length")) {
                    reply.part(spoken.bytes(event));
                  }
                  reply.end();
                });
        LlmProvider provider = spoken.at(peer, "k-1")) {
      if (spoken == Spoken.BEDROCK) {
        // LangChain4j can't even read it.
        LlmException failure =
            (LlmException) catchThrowable(() -> provider.stream(REQUEST, LIMITS, part -> {}));
        assertThat(failure.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
      } else {
        assertThat(provider.stream(REQUEST, LIMITS, part -> {}).response().finishReason())
            .isEqualTo(FinishReason.LENGTH);
      }
    }
  }
}
