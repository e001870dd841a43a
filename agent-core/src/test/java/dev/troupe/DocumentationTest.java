package dev.troupe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import dev.troupe.JavaSources.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.lang.model.element.Modifier;
import org.junit.jupiter.api.Test;

/**
 * What users see has a comment that names every parameter and the result. Stands in for doclint's
 * group 'missing', which also asks for comments on the compact constructors of records, where there
 * is nothing to say that the record's own comment doesn't.
 */
final class DocumentationTest {
  @Test
  void everythingPublicInTheLibraryIsDocumented() {
    List<String> missing = new ArrayList<>();
    long files =
        JavaSources.parseAll().stream()
            .filter(Source::isMain)
            .filter(source -> source.path().toString().startsWith("agent-"))
            .peek(source -> new Scan(source, missing).scan(source.tree(), null))
            .count();
    assertThat(files).as("library sources found").isGreaterThan(20);
    assertThat(missing).as("public parts without their comment").isEmpty();
  }

  private static final class Scan extends TreePathScanner<Void, Void> {
    private final Source source;
    private final List<String> missing;

    Scan(Source source, List<String> missing) {
      this.source = source;
      this.missing = missing;
    }

    @Override
    public Void visitClass(ClassTree type, Void nothing) {
      if (!isPublic(type.getModifiers()) && type.getPermitsClause().isEmpty()) {
        return null; // what is inside is nobody's either, unless heirs show it
      }
      String comment = comment(type);
      if (type.getKind() == Tree.Kind.RECORD) {
        for (Tree member : type.getMembers()) {
          if (member instanceof VariableTree field
              && !field.getModifiers().getFlags().contains(Modifier.STATIC)) {
            expect(type, comment, "@param " + field.getName());
          }
        }
      }
      type.getTypeParameters().forEach(t -> expect(type, comment, "@param <" + t.getName() + ">"));
      return super.visitClass(type, null);
    }

    @Override
    public Void visitMethod(MethodTree method, Void nothing) {
      if (!isPublic(method.getModifiers()) || overrides(method) || isOfRecord(method)) {
        return null;
      }
      String comment = comment(method);
      method.getParameters().forEach(p -> expect(method, comment, "@param " + p.getName()));
      Tree result = method.getReturnType();
      if (result != null && !result.toString().equals("void")) {
        expect(method, comment, "@return");
      }
      return null;
    }

    private void expect(Tree part, String comment, String wanted) {
      if (!(comment + " ").matches("(?s).*" + java.util.regex.Pattern.quote(wanted) + "\\s.*")) {
        missing.add(source.at(part) + ": no " + wanted);
      }
    }

    private String comment(Tree part) {
      String comment = source.trees().getDocComment(getCurrentPath());
      if (comment == null || comment.isBlank()) {
        missing.add(source.at(part) + ": no comment");
        return "";
      }
      return comment;
    }

    private boolean isPublic(ModifiersTree modifiers) {
      Set<Modifier> flags = modifiers.getFlags();
      return flags.contains(Modifier.PUBLIC)
          || flags.contains(Modifier.PROTECTED)
          || (!flags.contains(Modifier.PRIVATE) && isInterface(getCurrentPath().getParentPath()));
    }

    private static boolean isInterface(TreePath around) {
      return around != null && around.getLeaf().getKind() == Tree.Kind.INTERFACE;
    }

    private static boolean overrides(MethodTree method) {
      return method.getModifiers().getAnnotations().stream()
          .anyMatch(a -> a.getAnnotationType().toString().equals("Override"));
    }

    private boolean isOfRecord(MethodTree method) {
      return method.getName().contentEquals("<init>")
          && getCurrentPath().getParentPath().getLeaf().getKind() == Tree.Kind.RECORD;
    }
  }
}
