package dev.troupe.examples.party.request;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SanitizerTest {
  @Test
  void tagsAndScriptsAreTakenAway() {
    assertThat(Sanitizer.clean("<b onclick='x()'>Hi</b><script>alert(1)</script> there"))
        .isEqualTo("Hi there");
  }

  @Test
  void tagsInEntitiesAreTakenAwayToo() {
    assertThat(Sanitizer.clean("a &lt;script&gt;x&lt;/script&gt; b &amp; c")).isEqualTo("a b & c");
  }

  @Test
  void whatOnlyLooksLikeATagStays() {
    assertThat(Sanitizer.clean("we <3 parties, 3 < 4")).isEqualTo("we <3 parties, 3 < 4");
  }

  @Test
  void controlAndInvisibleCharactersAreTakenAway() {
    assertThat(Sanitizer.clean("\u0007\u001b[31mWar\u200bs\u202eaw\u0008\ufeff\u0000"))
        .isEqualTo("Warsaw");
  }

  @Test
  void accentsHaveOneForm() {
    assertThat(Sanitizer.clean("Mu\u0308nchen")).isEqualTo("München");
  }

  @Test
  void spacesAndLineEndsAreTidied() {
    assertThat(Sanitizer.clean("  a \t b\r\n\r\n\r\n\r\nc \u00a0 d ")).isEqualTo("a b\n\nc d");
  }

  @Test
  void halvesOfCharactersAreTakenAway() {
    assertThat(Sanitizer.clean("a\ud83db")).isEqualTo("ab");
  }

  @Test
  void aHostileTextIsCleanedInTime() {
    String opened = "<a".repeat(16_000);
    long before = System.nanoTime();
    Sanitizer.clean(opened + "<script>".repeat(2_000));
    assertThat((System.nanoTime() - before) / 1_000_000).isLessThan(2_000);
  }
}
