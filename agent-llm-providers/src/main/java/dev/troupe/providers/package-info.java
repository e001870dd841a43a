/** Language models of the known providers. */
@NullMarked
package dev.troupe.providers;

import org.jspecify.annotations.NullMarked;
