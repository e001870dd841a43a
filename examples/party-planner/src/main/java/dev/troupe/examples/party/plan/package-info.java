/**
 * What a plan is made of: offers, choices, costs, what is missing, and the strategies that choose.
 * Begin with {@link dev.troupe.examples.party.plan.PartyPlan}; all are plain values.
 */
@NullMarked
package dev.troupe.examples.party.plan;

import org.jspecify.annotations.NullMarked;
