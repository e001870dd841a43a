/**
 * What stands between an effect and its failures. Begin with {@link
 * dev.troupe.resilience.RetryPolicy} and {@link dev.troupe.resilience.RateLimiter}.
 */
@NullMarked
package dev.troupe.resilience;

import org.jspecify.annotations.NullMarked;
