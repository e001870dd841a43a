package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store in a schema of a PostgreSQL database, 12 or newer, shared by any number of processes.
 *
 * <p>A step of a run, and its parking, is one auto-committed statement and one round trip; any
 * other list of changes is one transaction of two, in which records are locked in the order of
 * their keys; a list that meets a deadlock is done again as a whole. A claim is one round trip when
 * it finds nothing, two otherwise.
 *
 * <p>Connections are borrowed for each call and given back as they came; nothing is left in the
 * server's session, so a pooler in transaction mode may stand between. Nothing but the schema's
 * tables and one sequence is needed: no functions, no extensions.
 *
 * <p>Time is the database server's. What was answered survives what {@link #info()} says, which is
 * read from {@code fsync} and {@code synchronous_commit} at opening. Safe for use by many threads.
 * After an error the store stays usable.
 */
public final class PostgresStateStore implements StateStore {
  /** The schema where a store lies unless told otherwise. */
  public static final String DEFAULT_SCHEMA = "troupe";

  private static final Logger LOG = LoggerFactory.getLogger(PostgresStateStore.class);
  private static final int PARTITIONS = 64;

  /** How many connections a store without a pool opens at most. */
  private static final int OWN_CONNECTIONS = 4;

  private final String store;
  private final StoreInfo info;
  private final PostgresSessions sessions;
  private final PostgresTime time;
  private final PostgresApply lists = new PostgresApply();
  private final PostgresClaims claims;
  private final @Nullable PostgresConnections own;
  private final AtomicBoolean closed = new AtomicBoolean();

  private PostgresStateStore(
      Builder b,
      DataSource source,
      @Nullable PostgresConnections own,
      PostgresSchema.Opened opened) {
    this.own = own;
    store = "store " + b.schema;
    info =
        new StoreInfo(
            "postgres",
            b.partitions,
            StoreInfo.Sharing.FLEET,
            opened.durable() ? StoreInfo.Durability.MACHINE : StoreInfo.Durability.PROCESS,
            Duration.ZERO);
    time = new PostgresTime(b.clock, opened.time());
    PostgresSql sql = new PostgresSql(PostgresSchema.quoted(b.schema), b.clock == null);
    sessions = new PostgresSessions(source, sql, time, b.timeout, b.schema);
    claims = new PostgresClaims(b.partitions);
  }

  /**
   * Opens the store in the schema {@link #DEFAULT_SCHEMA}, with 64 partitions.
   *
   * @param source the host's pool, which stays the host's; one connection is enough
   * @return the store
   * @throws AgentException as {@link Builder#open()}
   */
  public static PostgresStateStore open(DataSource source) {
    return builder(source).open();
  }

  /**
   * Opens the store in the schema {@link #DEFAULT_SCHEMA}, with 64 partitions, over at most four
   * connections of its own.
   *
   * @param url a JDBC URL, {@code jdbc:postgresql://…}
   * @param user the database user
   * @param password its password
   * @return the store
   * @throws AgentException as {@link Builder#open()}
   */
  public static PostgresStateStore connect(String url, String user, String password) {
    return builder(url, user, password).open();
  }

  /**
   * Starts with the defaults over the connections of the host.
   *
   * @param source the host's pool, which stays the host's; one connection is enough
   * @return a builder
   */
  public static Builder builder(DataSource source) {
    return new Builder(Objects.requireNonNull(source, "source"), false);
  }

  /**
   * Starts with the defaults over at most four connections of the store's own.
   *
   * @param url a JDBC URL, {@code jdbc:postgresql://…}
   * @param user the database user
   * @param password its password
   * @return a builder
   */
  public static Builder builder(String url, String user, String password) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    try {
      source.setUrl(url);
    } catch (IllegalArgumentException e) {
      // the driver's own message holds the URL, and that may hold a password
      throw new AgentException(
          ErrorCode.INVALID_INPUT, "not a URL of PostgreSQL; it begins with jdbc:postgresql:");
    }
    source.setUser(user);
    source.setPassword(password);
    return new Builder(source, true);
  }

  /**
   * Creates the tables in the schema {@link #DEFAULT_SCHEMA}, with 64 partitions, or brings them up
   * to date. May be called by several processes at once, and again.
   *
   * @param source connections of a user who may create a schema, or tables in that one
   * @throws AgentException {@link ErrorCode#STORE_UNAVAILABLE} when that fails; nothing was done
   */
  public static void migrate(DataSource source) {
    migrate(source, DEFAULT_SCHEMA, PARTITIONS);
  }

  private static void migrate(DataSource source, String schema, int partitions) {
    try {
      PostgresSchema.migrate(source, schema, partitions);
    } catch (SQLException e) {
      throw PostgresErrors.of("store " + schema, e);
    }
  }

  /**
   * The SQL that creates the tables from nothing, for those who run their own migrations, with 64
   * partitions.
   *
   * @param schema the name of the schema, which is created too if it is not there
   * @return statements, with comments, in one transaction
   */
  public static String ddl(String schema) {
    return PostgresSchema.ddl(schema, PARTITIONS);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    requireOpen();
    info.check(changes);
    if (changes.isEmpty()) {
      return List.of();
    }
    @Nullable Outcome @Nullable [] done =
        call((session, n) -> PostgresSteps.apply(session, changes));
    if (done == null) {
      return applyList(changes);
    }
    List<Change> rest = new ArrayList<>();
    for (int i = 0; i < done.length; i++) {
      if (done[i] == null) {
        rest.add(changes.get(i));
      }
    }
    return rest.isEmpty() ? answered(done, List.of()) : answered(done, applyList(rest));
  }

  private List<Outcome> applyList(List<Change> changes) {
    return call((session, attempt) -> lists.apply(session, changes, attempt > 1));
  }

  /** Fills the gaps; what was done before shows the same time, because it is the same answer. */
  private static List<Outcome> answered(@Nullable Outcome[] done, List<Outcome> others) {
    List<Outcome> all = new ArrayList<>(done.length);
    Iterator<Outcome> next = others.iterator();
    for (Outcome outcome : done) {
      if (outcome == null) {
        all.add(next.next());
      } else if (!others.isEmpty() && outcome instanceof Outcome.Done early) {
        all.add(new Outcome.Done(others.get(0).now(), early.seen()));
      } else {
        all.add(outcome);
      }
    }
    return all;
  }

  @Override
  public List<Stored> claim(Claim claim) {
    requireOpen();
    if (claim.from() instanceof Claim.From.Named named) {
      named.ids().forEach(id -> requirePartition(id.partition()));
    }
    return call((session, attempt) -> claims.take(session, claim));
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    requireOpen();
    requirePartition(
        scan instanceof Scan.Rows rows ? rows.id().partition() : ((Scan.Records) scan).partition());
    return call((session, attempt) -> PostgresReader.scan(session, scan));
  }

  @Override
  public Page<Stored> find(Find find) {
    requireOpen();
    return call((session, attempt) -> PostgresReader.find(session, find));
  }

  @Override
  public StoreInfo info() {
    return info;
  }

  /**
   * Keeps the time that was shown last and closes the connections that are the store's own. Calls
   * that come later fail with {@link ErrorCode#CLOSED}. May be called more than once, by any
   * thread.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try (own) {
      sessions.call(
          (session, attempt) -> {
            time.keepNow(session);
            return info;
          });
    } catch (SQLException e) {
      LOG.warn("{} was closed without keeping its time ({})", store, e.getSQLState());
    }
  }

  private <T> T call(PostgresSessions.Work<T> work) {
    try {
      return sessions.call(work);
    } catch (SQLException e) {
      throw PostgresErrors.of(store, e);
    }
  }

  private void requireOpen() {
    if (closed.get()) {
      throw new AgentException(ErrorCode.CLOSED, store + " was closed; open it again");
    }
  }

  private void requirePartition(int number) {
    if (number < 0 || number >= info.partitions()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s has partitions 0 to %d, not %d".formatted(store, info.partitions() - 1, number));
    }
  }

  /** How to open a store. Not safe for several threads. */
  public static final class Builder {
    private final DataSource source;
    private final boolean ownConnections;
    private String schema = DEFAULT_SCHEMA;
    private int partitions = PARTITIONS;
    private boolean migrate;
    private Duration timeout = Duration.ofSeconds(30);
    private @Nullable InstantSource clock;

    private Builder(DataSource source, boolean ownConnections) {
      this.source = source;
      this.ownConnections = ownConnections;
    }

    /**
     * Sets the schema in which the tables lie; several stores may lie in one database.
     *
     * @param schema any name of 1 to 63 bytes that does not begin with {@code pg_}; {@link
     *     #DEFAULT_SCHEMA} by default
     * @return this
     */
    public Builder schema(String schema) {
      PostgresSchema.quoted(schema);
      this.schema = schema;
      return this;
    }

    /**
     * Sets how many partitions new tables get; tables that are there must have as many.
     *
     * @param partitions 1 to 4096, 64 by default
     * @return this
     */
    public Builder partitions(int partitions) {
      if (partitions < 1 || partitions > 4096) {
        throw new IllegalArgumentException("a store has 1 to 4096 partitions, not " + partitions);
      }
      this.partitions = partitions;
      return this;
    }

    /**
     * Sets whether opening creates the tables or brings them up to date.
     *
     * @param migrate false by default: then opening fails when they do not fit
     * @return this
     */
    public Builder migrate(boolean migrate) {
      this.migrate = migrate;
      return this;
    }

    /**
     * Sets how long the server may take to answer before the connection is given up and the call
     * fails with {@link ErrorCode#STORE_UNAVAILABLE}. The server may still finish what was sent,
     * unless its {@code statement_timeout} is shorter.
     *
     * @param timeout a second to an hour, 30 seconds by default
     * @return this
     */
    public Builder timeout(Duration timeout) {
      if (timeout.compareTo(Duration.ofSeconds(1)) < 0
          || timeout.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException("the timeout is a second to an hour, not " + timeout);
      }
      this.timeout = timeout;
      return this;
    }

    /** For tests: a clock instead of the server's. */
    Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Opens the store.
     *
     * @return the store
     * @throws AgentException {@link ErrorCode#STORE_MISMATCH} when the tables are not there, or of
     *     another format or number of partitions, {@link ErrorCode#STORE_UNAVAILABLE} when the
     *     server can't be reached or refuses the user
     */
    public PostgresStateStore open() {
      PostgresConnections own =
          ownConnections ? new PostgresConnections(source, OWN_CONNECTIONS, timeout) : null;
      DataSource connections = own == null ? source : own;
      boolean opened = false;
      try {
        if (migrate) {
          PostgresStateStore.migrate(connections, schema, partitions);
        }
        PostgresSchema.Opened found = PostgresSchema.check(connections, schema, partitions);
        PostgresStateStore store = new PostgresStateStore(this, connections, own, found);
        opened = true;
        return store;
      } catch (SQLException e) {
        throw PostgresErrors.of("store " + schema, e);
      } finally {
        if (!opened && own != null) {
          own.closeQuietly();
        }
      }
    }
  }
}
