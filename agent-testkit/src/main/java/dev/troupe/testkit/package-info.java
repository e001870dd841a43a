/**
 * What tests of Troupe stand on: a clock that they move, the contract that every store keeps, and
 * the means to kill, stop and disturb what is tested and to judge what came of it.
 *
 * <p>Begin with {@link dev.troupe.testkit.StateStoreContract}: whoever writes a {@link
 * dev.troupe.state.StateStore} extends it with a test class of three short methods. Who tests
 * several processes starts each as a {@link dev.troupe.testkit.ChildProcess}, puts a {@link
 * dev.troupe.testkit.FaultProxy} before its server, and checks a {@link
 * dev.troupe.testkit.History}.
 *
 * <p>The servers are real: {@link dev.troupe.testkit.RedisServer}, and {@link
 * dev.troupe.testkit.RedisSentinel} and {@link dev.troupe.testkit.RedisCluster} made of it; {@link
 * dev.troupe.testkit.PostgresServer}; {@link dev.troupe.testkit.KafkaCluster}. Each names the jars
 * to add.
 */
@NullMarked
package dev.troupe.testkit;

import org.jspecify.annotations.NullMarked;
