/**
 * What looks at everything that goes into models and tools and at what comes out, and what it is
 * shown.
 *
 * <p>Begin with {@link dev.troupe.llm.guard.Guard}.
 */
@NullMarked
package dev.troupe.llm.guard;

import org.jspecify.annotations.NullMarked;
