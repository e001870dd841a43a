/**
 * Agents that use language models: a model, instructions, tools, and what comes out.
 *
 * <p>Begin with {@link dev.troupe.llm.agent.LlmAgent}, which is an ordinary {@link
 * dev.troupe.agent.Agent}: its loop of model and tool calls is journaled call by call, so it goes
 * on after a crash at the very next call. Tools are {@link dev.troupe.llm.agent.AgentTool}s. What a
 * host forbids, changes or wants to be asked about it says by {@link
 * dev.troupe.llm.agent.ToolPolicy}, {@link dev.troupe.llm.guard.Guard} and {@link
 * dev.troupe.llm.agent.Approvals}, which an {@link dev.troupe.llm.agent.ApprovalDesk} answers;
 * neither a model nor a tool gets around them.
 */
@NullMarked
package dev.troupe.llm.agent;

import org.jspecify.annotations.NullMarked;
