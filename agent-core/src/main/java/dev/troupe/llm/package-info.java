/**
 * Language models: governed, and never taken for whole when broken. A leaf: nothing else in
 * agent-core imports it, and only here are LangChain4j's types in signatures.
 *
 * <p>Begin with {@link dev.troupe.llm.GovernedModel}, which is itself a langchain4j {@code
 * ChatModel} and {@code StreamingChatModel}. Beneath it lie {@link dev.troupe.llm.LlmProvider}s:
 * any langchain4j model through {@link dev.troupe.llm.LlmProvider#of}, or the presets of the module
 * {@code agent-llm-providers}.
 */
@NullMarked
package dev.troupe.llm;

import org.jspecify.annotations.NullMarked;
