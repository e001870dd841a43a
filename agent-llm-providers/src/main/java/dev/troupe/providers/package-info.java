/**
 * Language models of the known providers.
 *
 * <p>Begin with {@link dev.troupe.providers.Preset}, and with one of the classes that make it:
 * {@link dev.troupe.providers.OpenAi}, {@link dev.troupe.providers.AzureOpenAi}, {@link
 * dev.troupe.providers.Anthropic}, {@link dev.troupe.providers.Gemini}, {@link
 * dev.troupe.providers.Mistral}, {@link dev.troupe.providers.Ollama}, {@link
 * dev.troupe.providers.Bedrock}. What happens on a call stands in {@code HttpProvider}; beneath it
 * {@code Wire} (or {@code AwsWire}) sends, reads and checks, on the thread that called. LangChain4j
 * writes the requests and reads the answers; each of its modules is optional for a host.
 */
@NullMarked
package dev.troupe.providers;

import org.jspecify.annotations.NullMarked;
