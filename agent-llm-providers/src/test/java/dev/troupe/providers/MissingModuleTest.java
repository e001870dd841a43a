package dev.troupe.providers;

import static java.lang.invoke.MethodType.methodType;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A host that lacks a module of LangChain4j is told which. */
class MissingModuleTest {
  /** Loads our classes anew, for a host that has nothing whose name begins so. */
  private static final class Without extends ClassLoader {
    private final String missing;

    Without(String missing) {
      super(MissingModuleTest.class.getClassLoader());
      this.missing = missing;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith(missing)) {
        throw new ClassNotFoundException(name);
      }
      if (!name.startsWith("dev.troupe.providers.")) {
        return super.loadClass(name, resolve);
      }
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : ours(name);
    }

    private Class<?> ours(String name) throws ClassNotFoundException {
      String file = name.replace('.', '/') + ".class";
      try (InputStream in = getParent().getResourceAsStream(file)) {
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "OpenAi, dev.langchain4j.model.openai., langchain4j-open-ai",
    "Anthropic, dev.langchain4j.model.anthropic., langchain4j-anthropic",
    "Gemini, dev.langchain4j.model.googleai., langchain4j-google-ai-gemini",
    "Mistral, dev.langchain4j.model.mistralai., langchain4j-mistral-ai",
    "Ollama, dev.langchain4j.model.ollama., langchain4j-ollama",
    "Bedrock, dev.langchain4j.model.bedrock., langchain4j-bedrock",
    "Bedrock, software.amazon., langchain4j-bedrock",
  })
  void theArtifactToAddIsNamed(String preset, String missing, String artifact) throws Throwable {
    Without loader = new Without(missing);
    Class<?> host = loader.loadClass("dev.troupe.providers." + preset);
    Class<?> presetClass = loader.loadClass("dev.troupe.providers.Preset");
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    // Not by reflection, which would look for the types of all methods.
    Object line =
        preset.equals("Bedrock")
            ? lookup
                .findStatic(host, "model", methodType(presetClass, String.class, String.class))
                .invoke("m", "eu-west-1")
            : lookup.findStatic(host, "model", methodType(presetClass, String.class)).invoke("m");
    line.getClass().getMethod("apiKey", String.class).invoke(line, "k-1");
    Throwable thrown = catchThrowable(() -> line.getClass().getMethod("build").invoke(line));
    assertThat(thrown).isInstanceOf(InvocationTargetException.class);
    assertThat(thrown.getCause())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dev.langchain4j:" + artifact);
  }
}
