package dev.troupe.examples.party.request;

import java.math.BigDecimal;

/**
 * A currency with its sample rate.
 *
 * @param code such as {@code GBP}
 * @param rateToEur how many euros one unit is
 */
record Currency(String code, BigDecimal rateToEur) {}
