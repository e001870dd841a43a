/**
 * What stands between an effect and its failures. Begin with {@link
 * dev.troupe.resilience.RetryPolicy}.
 */
@NullMarked
package dev.troupe.resilience;

import org.jspecify.annotations.NullMarked;
