package dev.troupe.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FailureTest {
  @Test
  void anOrdinaryExceptionIsOfTheKindOfItsClass() {
    assertThat(Failure.of(new IOException("disk")))
        .isEqualTo(new Failure("java.io.IOException", "disk", true));
    assertThat(Failure.of(new IllegalStateException()))
        .isEqualTo(new Failure("java.lang.IllegalStateException", "", true));
  }

  @Test
  void anErrorIsNotRetryable() {
    assertThat(Failure.of(new StackOverflowError()))
        .isEqualTo(new Failure("java.lang.StackOverflowError", "", false));
  }

  @ParameterizedTest
  @EnumSource(ErrorCode.class)
  void anErrorOfTroupeIsOfTheKindOfItsCode(ErrorCode code) {
    assertThat(Failure.of(new AgentException(code, "what")))
        .isEqualTo(new Failure(code.name(), "what", code.retryable()));
  }

  @Test
  void theFailureOfAStepKeepsItsKindAndSaysWhichStep() {
    Failure inner = new Failure("java.io.IOException", "disk", true);
    Failure outer = Failure.of(new StepFailedException("save#1", inner));
    assertThat(outer.kind()).isEqualTo("java.io.IOException");
    assertThat(outer.retryable()).isTrue();
    assertThat(outer.message()).contains("save#1").contains("disk");
  }

  @Test
  void aLongMessageIsCutAndItSaysSo() {
    assertThat(new Failure("k", "x".repeat(4_000), false).message()).isEqualTo("x".repeat(4_000));
    assertThat(new Failure("k", "x".repeat(4_001), false).message())
        .isEqualTo("x".repeat(4_000) + "…");
    assertThat(new Failure("k", "x".repeat(1_000_000), false).message()).hasSize(4_001);
  }

  @Test
  void aMessageThatWasCutComesBackFromTheStoreAsItWas() {
    Failure cutInACharacter = new Failure("k", "x".repeat(3_999) + "😀".repeat(9), false);
    assertThat(
            Codec.json().decode(Codec.json().encode(cutInACharacter, Failure.class), Failure.class))
        .isEqualTo(cutInACharacter);
  }

  @Test
  void aStoredMessageThatWasCutIsNotCutAgain() {
    Failure once = new Failure("k", "x".repeat(5_000), false);
    assertThat(new Failure("k", once.message(), false)).isEqualTo(once);
  }

  @Test
  void aKindIsNeeded() {
    assertThatThrownBy(() -> new Failure(null, "", false)).hasMessageContaining("kind");
  }

  @Test
  void aStepsErrorNamesStepKindAndMessage() {
    StepFailedException failed =
        new StepFailedException("a#1/0/save#2", new Failure("java.io.IOException", "disk", true));
    assertThat(failed).hasMessage("step 'a#1/0/save#2' failed: IOException: disk");
    assertThat(failed.step()).isEqualTo("a#1/0/save#2");
    assertThat(failed.failure()).isEqualTo(new Failure("java.io.IOException", "disk", true));
    assertThat(failed.code()).isEqualTo(ErrorCode.STEP_FAILED);
    assertThat(failed.retryable()).isTrue();
    assertThat(failed.retryAfter()).isEmpty();
  }

  @Test
  void aStepsErrorWithoutMessageEndsWithTheKind() {
    StepFailedException failed = new StepFailedException("s#1", new Failure("TIMEOUT", "", false));
    assertThat(failed).hasMessage("step 's#1' failed: TIMEOUT");
    assertThat(failed.retryable()).isFalse();
  }

  @Test
  void theReasonWhyARunEndsIsAnErrorOfItsOwn() {
    RunEndingException ending = new RunEndingException(ErrorCode.RUN_CANCELLED, "run r");
    assertThat(ending.code()).isEqualTo(ErrorCode.RUN_CANCELLED);
    assertThat(ending.retryable()).isFalse();
  }
}
