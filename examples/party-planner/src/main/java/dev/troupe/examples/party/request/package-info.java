/**
 * Understanding a request in free text. Begin with {@link
 * dev.troupe.examples.party.request.RequestReader}: the rules are one reader, a model may be
 * another. {@link dev.troupe.examples.party.request.PartyBrief} is what comes out.
 */
@NullMarked
package dev.troupe.examples.party.request;

import org.jspecify.annotations.NullMarked;
