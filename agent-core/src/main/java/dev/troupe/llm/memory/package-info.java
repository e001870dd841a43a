/**
 * What conversations remember, in the store.
 *
 * <p>Begin with {@link dev.troupe.llm.memory.ConversationMemory}.
 */
@NullMarked
package dev.troupe.llm.memory;

import org.jspecify.annotations.NullMarked;
