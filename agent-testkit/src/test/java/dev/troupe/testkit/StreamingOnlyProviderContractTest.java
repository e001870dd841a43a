package dev.troupe.testkit;

/** A streaming model of langchain4j that serves whole answers too. */
class StreamingOnlyProviderContractTest extends LlmProviderContract {
  @Override
  protected LlmPeer peer(LlmPeer.Script script) {
    return new ScriptedPeer(script, false, true);
  }
}
