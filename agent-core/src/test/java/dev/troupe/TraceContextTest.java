package dev.troupe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TraceContextTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

  @Test
  void aChildHasTheTraceAndASpanOfItsOwn() {
    TraceContext parent = new TraceContext(PARENT, "one=1");
    TraceContext child = parent.child();
    assertThat(child.traceparent()).matches("00-" + TRACE + "-[0-9a-f]{16}-01");
    assertThat(child.tracestate()).isEqualTo("one=1");
    assertThat(child).isNotEqualTo(parent).isNotEqualTo(parent.child());
  }

  @Test
  void ofLaterVersionsOnlyWhatIsKnownGoesOn() {
    TraceContext later = new TraceContext("cc-" + TRACE + "-b7ad6b7169203331-0b-more", "");
    assertThat(later.child().traceparent()).matches("00-" + TRACE + "-[0-9a-f]{16}-01");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00-" + TRACE + "-b7ad6b7169203331",
        "00-" + TRACE + "-b7ad6b7169203331-01-more",
        "ff-" + TRACE + "-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-" + TRACE + "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"
      })
  void whatIsNoTraceIsRefusedOrLeftOut(String wrong) {
    assertThat(TraceContext.of(wrong, "one=1")).isEmpty();
    assertThatThrownBy(() -> new TraceContext(wrong, ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aStateThatCannotBeReadIsLeftOut() {
    assertThat(TraceContext.of(PARENT, "one=\u0001")).contains(new TraceContext(PARENT, ""));
    assertThat(TraceContext.of(PARENT, "x".repeat(2_001))).contains(new TraceContext(PARENT, ""));
    assertThat(TraceContext.of(null, "one=1")).isEmpty();
    assertThatThrownBy(() -> new TraceContext(PARENT, "\n"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
