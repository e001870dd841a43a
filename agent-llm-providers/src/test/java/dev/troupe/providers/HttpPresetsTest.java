package dev.troupe.providers;

import dev.troupe.testkit.LlmPeer;
import dev.troupe.testkit.LlmProviderContract;
import org.junit.jupiter.api.Nested;

/** Every preset that is asked over our wire keeps all that a provider promises. */
class HttpPresetsTest {
  @Nested
  class OfOpenAi extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.OPEN_AI, script);
    }
  }

  @Nested
  class OfAzure extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.AZURE, script);
    }
  }

  @Nested
  class OfMistral extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.MISTRAL, script);
    }
  }

  @Nested
  class OfAnthropic extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.ANTHROPIC, script);
    }
  }

  @Nested
  class OfGemini extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.GEMINI, script);
    }
  }

  @Nested
  class OfBedrock extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.BEDROCK, script);
    }
  }

  @Nested
  class OfOllama extends LlmProviderContract {
    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return new HttpPeer(Spoken.OLLAMA, script);
    }
  }
}
