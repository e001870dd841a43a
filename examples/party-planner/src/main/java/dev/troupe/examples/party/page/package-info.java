/**
 * Plans for people and programs. {@link dev.troupe.examples.party.page.PlanLayout} says what stands
 * in a plan, once; the writers give it a form.
 */
@NullMarked
package dev.troupe.examples.party.page;

import org.jspecify.annotations.NullMarked;
