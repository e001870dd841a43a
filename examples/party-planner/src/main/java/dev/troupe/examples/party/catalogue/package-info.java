/**
 * What can be had: themes, venues, cakes and cities, read from data files and checked when read.
 * Begin with {@link dev.troupe.examples.party.catalogue.Catalogue}. All of it is invented sample
 * data.
 */
@NullMarked
package dev.troupe.examples.party.catalogue;

import org.jspecify.annotations.NullMarked;
