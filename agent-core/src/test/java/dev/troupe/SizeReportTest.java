package dev.troupe;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.TreeScanner;
import dev.troupe.JavaSources.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.lang.model.element.Modifier;
import org.junit.jupiter.api.Test;

/**
 * Prints how large the main sources of all modules are. The numbers are aims and not limits: a file
 * that reads well as it is stays as it is, so nothing here fails because of them.
 */
final class SizeReportTest {
  /** A type around what is scanned, and its components if it is a record. */
  private record Scope(String name, long components) {}

  private static final int AIM_LINES = 200;
  private static final int MOST_LINES = 450;
  private static final int MOST_PARAMETERS = 7;

  @Test
  void printsTheSizesOfAllMainSources() {
    List<Source> files = JavaSources.parseAll().stream().filter(Source::isMain).toList();
    assertThat(files).as("main sources found").isNotEmpty();

    long small = files.stream().filter(file -> file.nonBlankLines() < AIM_LINES).count();
    List<String> large =
        files.stream()
            .filter(file -> file.nonBlankLines() > MOST_LINES)
            .map(file -> file.path() + " (" + file.nonBlankLines() + ")")
            .toList();
    List<String> wide = files.stream().flatMap(file -> wideIn(file).stream()).toList();

    System.out.printf(
        Locale.ROOT,
        "Size of src/main: %d files, %.0f %% of them under %d non-blank lines (aim 90 %%)%n"
            + "  over %d lines: %d%s%n  over %d parameters: %d%s%n",
        files.size(),
        100.0 * small / files.size(),
        AIM_LINES,
        MOST_LINES,
        large.size(),
        indented(large),
        MOST_PARAMETERS,
        wide.size(),
        indented(wide));
  }

  private static String indented(List<String> lines) {
    return lines.stream().map(line -> System.lineSeparator() + "    " + line).collect(joining());
  }

  /** Methods and constructors with too many parameters; a record counts by its components. */
  private static List<String> wideIn(Source source) {
    List<String> wide = new ArrayList<>();
    new TreeScanner<Void, Scope>() {
      @Override
      public Void visitClass(ClassTree type, Scope outer) {
        Scope scope = new Scope(outer.name() + "/" + type.getSimpleName(), components(type));
        note(type, scope.name(), scope.components());
        return super.visitClass(type, scope);
      }

      @Override
      public Void visitMethod(MethodTree method, Scope type) {
        int parameters = method.getParameters().size();
        boolean canonical =
            method.getName().contentEquals("<init>") && parameters == type.components();
        if (!canonical) {
          note(method, type.name() + "." + method.getName(), parameters);
        }
        return super.visitMethod(method, type);
      }

      private void note(Tree tree, String name, long parameters) {
        if (parameters > MOST_PARAMETERS) {
          wide.add(source.at(tree) + " " + name.substring(1) + " (" + parameters + ")");
        }
      }
    }.scan(source.tree(), new Scope("", 0));
    return wide;
  }

  private static long components(ClassTree type) {
    // A record has no instance fields but its components.
    return type.getKind() != Tree.Kind.RECORD
        ? 0
        : type.getMembers().stream()
            .filter(VariableTree.class::isInstance)
            .filter(
                field ->
                    !((VariableTree) field).getModifiers().getFlags().contains(Modifier.STATIC))
            .count();
  }
}
