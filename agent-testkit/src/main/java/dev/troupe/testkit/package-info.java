/**
 * What tests of Troupe stand on: a clock that they move, and the contract that every store keeps.
 *
 * <p>Begin with {@link dev.troupe.testkit.StateStoreContract}: whoever writes a {@link
 * dev.troupe.state.StateStore} extends it with a test class of three short methods.
 */
@NullMarked
package dev.troupe.testkit;

import org.jspecify.annotations.NullMarked;
