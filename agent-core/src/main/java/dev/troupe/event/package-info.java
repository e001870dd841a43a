/**
 * Events: begin with {@link dev.troupe.event.EventBus}. What a broker has to do stands in {@link
 * dev.troupe.event.EventTransport}; everything else, from retries to dead letters, is done once, by
 * the bus.
 */
@NullMarked
package dev.troupe.event;

import org.jspecify.annotations.NullMarked;
