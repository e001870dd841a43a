package dev.troupe.testkit;

/** A blocking and a streaming model of langchain4j as one provider. */
class LangChainProviderContractTest extends LlmProviderContract {
  @Override
  protected LlmPeer peer(LlmPeer.Script script) {
    return new ScriptedPeer(script, true, true);
  }
}
