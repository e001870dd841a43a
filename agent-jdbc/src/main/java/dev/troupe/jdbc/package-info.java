/**
 * Stores in SQL databases.
 *
 * <p>Begin with {@link dev.troupe.jdbc.SqliteStateStore}: one file, no server. Beneath it {@code
 * SqliteWriter} decides changes and claims on the one connection that writes, {@code SqliteReader}
 * answers scans and searches beside it, and {@code sqlite-schema.sql} says where everything lies.
 */
@NullMarked
package dev.troupe.jdbc;

import org.jspecify.annotations.NullMarked;
