package dev.troupe.examples.party;

import dev.troupe.jdbc.PostgresStateStore;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.redis.RedisStateStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Opens the store that an address names; the one place where these programs know stores. */
public final class Stores {
  private static final String POSTGRES = "jdbc:postgresql:";

  private Stores() {}

  /**
   * Opens a store.
   *
   * @param address {@code memory}, {@code redis://…}, {@code rediss://…}, {@code
   *     jdbc:postgresql://host/database?user=…&password=…}, else the file of a SQLite store
   * @return the store; of PostgreSQL the tables are created when they are missing
   */
  public static StateStore open(String address) {
    if (address.equals("memory")) {
      return new MemoryStateStore();
    }
    if (address.startsWith("redis://") || address.startsWith("rediss://")) {
      return RedisStateStore.connect(address);
    }
    if (address.startsWith(POSTGRES)) {
      return postgres(address);
    }
    return SqliteStateStore.open(Path.of(address));
  }

  private static StateStore postgres(String address) {
    int question = address.indexOf('?');
    String url = question < 0 ? address : address.substring(0, question);
    Map<String, String> options = options(URI.create(address.substring("jdbc:".length())));
    String user = options.getOrDefault("user", System.getProperty("user.name"));
    return PostgresStateStore.builder(url, user, options.getOrDefault("password", ""))
        .migrate(true)
        .open();
  }

  private static Map<String, String> options(URI uri) {
    Map<String, String> options = new HashMap<>();
    String query = uri.getRawQuery();
    for (String pair : query == null ? new String[0] : query.split("&", -1)) {
      int is = pair.indexOf('=');
      if (is > 0) {
        options.put(
            pair.substring(0, is),
            URLDecoder.decode(pair.substring(is + 1), StandardCharsets.UTF_8));
      }
    }
    return options;
  }
}
