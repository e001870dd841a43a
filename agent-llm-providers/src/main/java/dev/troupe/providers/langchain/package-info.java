/**
 * LangChain4j's own agents and tools on Troupe: {@code AiServices} interfaces, agentic scopes, MCP
 * servers. Needs LangChain4j's modules of these, which hosts add themselves.
 *
 * <p>Begin with {@link dev.troupe.providers.langchain.AiServiceAgents}, and with {@link
 * dev.troupe.providers.langchain.McpTools} for tools of MCP servers.
 */
@NullMarked
package dev.troupe.providers.langchain;

import org.jspecify.annotations.NullMarked;
