package dev.troupe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.MemberReferenceTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.util.TreeScanner;
import dev.troupe.JavaSources.Source;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Whose clock counts: that of the store, of the server or of the broker. Which classes of
 * agent-core may ask the wall clock is for {@link ArchitectureTest} to say; other modules are not
 * on its class path, so their sources are read.
 */
final class WallClockTest {
  private static final Pattern ASKS =
      Pattern.compile(
          "(.*\\.)?(System\\.currentTimeMillis|Clock\\.(system|tick)\\w*|InstantSource\\.system"
              + "|(Instant|Year|YearMonth|\\w+(Date|Time))\\.now)");

  /** Its time is shown to whoever finds the store in use. */
  private static final String MAY_ASK = "SqliteOwner.java";

  @Test
  void nothingThatDecidesInAStoreALimiterOrATransportAsksTheWallClock() {
    Set<String> asked = new TreeSet<>();
    for (Source source : JavaSources.parseAll()) {
      if (source.isMain()
          && source.path().toString().matches("agent-(redis|jdbc|kafka).*")
          && !source.path().endsWith(MAY_ASK)) {
        new TreeScanner<Void, Void>() {
          @Override
          public Void visitMemberSelect(MemberSelectTree select, Void unused) {
            if (ASKS.matcher(select.toString()).matches()) {
              asked.add(source.at(select));
            }
            return super.visitMemberSelect(select, null);
          }

          @Override
          public Void visitMemberReference(MemberReferenceTree reference, Void unused) {
            if (ASKS.matcher(reference.toString().replace("::", ".")).matches()) {
              asked.add(source.at(reference));
            }
            return super.visitMemberReference(reference, null);
          }

          @Override
          public Void visitNewClass(NewClassTree made, Void unused) {
            if (made.getIdentifier()
                .toString()
                .matches("(java\\.util\\.)?(Date|GregorianCalendar)")) {
              asked.add(source.at(made));
            }
            return super.visitNewClass(made, null);
          }
        }.scan(source.tree(), null);
      }
    }
    assertThat(asked).isEmpty();
  }
}
