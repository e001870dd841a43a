package dev.troupe;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** Keeps in step what Maven itself doesn't compare: the poms of the modules and the BOM. */
final class ModulesTest {
  private final Path root = JavaSources.root();
  private final Element parent = pom(root);

  @Test
  void theBomNamesEveryPublishedModuleAtTheVersionOfTheParent() {
    Element bom = pom(root.resolve("agent-bom"));
    List<String> named = new ArrayList<>();
    NodeList dependencies = bom.getElementsByTagName("dependency");
    for (int i = 0; i < dependencies.getLength(); i++) {
      named.add(child((Element) dependencies.item(i), "artifactId"));
    }
    List<String> published =
        modules(parent).filter(m -> m.startsWith("agent-") && !m.equals("agent-bom")).toList();

    assertThat(named).containsExactlyInAnyOrderElementsOf(published);
    assertThat(child(bom, "version")).isEqualTo(child(parent, "version"));
  }

  @Test
  void theBomRunsThePluginsOfTheParent() {
    assertThat(pluginVersions(parent)).containsAll(pluginVersions(pom(root.resolve("agent-bom"))));
  }

  @Test
  void everyJarHasAModuleNameOfItsOwn() {
    List<String> jars =
        Stream.concat(
                modules(parent), modules(pom(root.resolve("examples"))).map(m -> "examples/" + m))
            .filter(module -> child(pom(root.resolve(module)), "packaging").isEmpty())
            .toList();
    List<String> names =
        jars.stream()
            .map(
                module ->
                    child(first(pom(root.resolve(module)), "properties"), "troupe.module.name"))
            .toList();

    assertThat(names)
        .doesNotHaveDuplicates()
        .allMatch(n -> n.startsWith("dev.troupe."), "dev.troupe.…");
  }

  private static List<String> pluginVersions(Element pom) {
    List<String> versions = new ArrayList<>();
    NodeList plugins = pom.getElementsByTagName("plugin");
    for (int i = 0; i < plugins.getLength(); i++) {
      Element plugin = (Element) plugins.item(i);
      versions.add(child(plugin, "artifactId") + " " + child(plugin, "version"));
    }
    return versions;
  }

  private static Stream<String> modules(Element pom) {
    NodeList modules = pom.getElementsByTagName("module");
    return Stream.iterate(0, i -> i + 1)
        .limit(modules.getLength())
        .map(i -> modules.item(i).getTextContent());
  }

  private static Element first(Element pom, String name) {
    return (Element) pom.getElementsByTagName(name).item(0);
  }

  /** The text of a direct child, or the empty string. */
  private static String child(Element element, String name) {
    NodeList children = element.getChildNodes();
    for (int i = 0; i < children.getLength(); i++) {
      Node child = children.item(i);
      if (child.getNodeName().equals(name)) {
        return child.getTextContent();
      }
    }
    return "";
  }

  private static Element pom(Path module) {
    Path file = module.resolve("pom.xml");
    try (var in = Files.newInputStream(file)) {
      Document document =
          DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(in);
      return document.getDocumentElement();
    } catch (Exception e) {
      throw new IllegalStateException("can't read " + file, e);
    }
  }
}
