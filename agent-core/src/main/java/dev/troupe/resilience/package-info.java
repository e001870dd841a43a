/**
 * What stands between an effect and its failures. Begin with {@link
 * dev.troupe.resilience.RetryPolicy}, {@link dev.troupe.resilience.RateLimiter} and {@link
 * dev.troupe.resilience.CircuitBreakers}.
 */
@NullMarked
package dev.troupe.resilience;

import org.jspecify.annotations.NullMarked;
