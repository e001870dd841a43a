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
import dev.troupe.state.StoreClock;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store in one SQLite file: durable without a server, for one process at a time.
 *
 * <p>What was answered survives the loss of power. The list given to {@link #apply} is one
 * transaction and one sync. A second process, or a second store of this one, that opens the same
 * file is refused with {@link ErrorCode#STORE_IN_USE}; the lock, {@code <file>.lock}, ends with the
 * process however it ends. Beside the file lie {@code <file>-wal} and {@code <file>-shm} while it
 * is open; copy all or none of them, or close first.
 *
 * <p>Safe for use by many threads: one writes at a time, reads wait for nobody. After an error the
 * store stays usable; what the failed call did is undone, unless the error says that it is unknown.
 */
public final class SqliteStateStore implements StateStore {
  private static final Logger LOG = LoggerFactory.getLogger(SqliteStateStore.class);
  private static final int READERS = 2;

  private final Path file;
  private final StoreInfo info;
  private final boolean syncEveryCommit;
  private final SqliteOwner owner;
  private final SqliteTime time;
  private final SqliteClaims.Turns turns = new SqliteClaims.Turns();
  private final AtomicInteger nextReader = new AtomicInteger();
  private final ReadSlot[] readers = new ReadSlot[READERS];
  private final ReentrantLock lock = new ReentrantLock();

  // under the lock; null after a failure
  private @Nullable SqliteWriter writer;
  private volatile boolean closed;

  private static final class ReadSlot {
    final ReentrantLock lock = new ReentrantLock();
    @Nullable SqliteReader reader;
  }

  @FunctionalInterface
  private interface Work<S, T> {
    T with(S session) throws SQLException;
  }

  private SqliteStateStore(Builder b, Path file, SqliteOwner owner) throws SQLException {
    this.file = file;
    this.owner = owner;
    this.syncEveryCommit = b.survives == StoreInfo.Durability.MACHINE;
    this.info =
        new StoreInfo(
            "sqlite", b.partitions, StoreInfo.Sharing.ONE_PROCESS, b.survives, Duration.ZERO);
    for (int i = 0; i < READERS; i++) {
      readers[i] = new ReadSlot();
    }
    SqliteFile.prepare(file, b.partitions);
    SqliteLog log = SqliteLog.of(file);
    SqliteSession session = SqliteSession.writer(file, syncEveryCommit);
    try {
      time = new SqliteTime(b.clock, SqliteFile.check(file, session, b.partitions));
      log.report(file, session);
      SqliteWriter first = new SqliteWriter(session, time, b.partitions);
      // writes, so that a file that can't be written is found out now
      first.now();
      writer = first;
    } catch (SQLException | RuntimeException e) {
      SqliteSession.closeAfter(session, e);
      throw e;
    }
  }

  /**
   * Opens a store with 64 partitions, and makes it, and its folder, if it is not there.
   *
   * @param file the file
   * @return the store
   * @throws AgentException {@link ErrorCode#STORE_IN_USE} when another process or store has it,
   *     {@link ErrorCode#STORE_MISMATCH} when the file is not a store, damaged, or of another
   *     schema or number of partitions, {@link ErrorCode#STORE_UNAVAILABLE} when it can't be
   *     written, {@link ErrorCode#STORE_FULL} when there is no space
   */
  public static SqliteStateStore open(Path file) {
    return builder(file).open();
  }

  /**
   * Starts with the defaults.
   *
   * @param file the file
   * @return a builder
   */
  public static Builder builder(Path file) {
    return new Builder(file);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    requireOpen();
    info.check(changes);
    return changes.isEmpty() ? List.of() : write(w -> w.apply(changes));
  }

  @Override
  public List<Stored> claim(Claim claim) {
    requireOpen();
    if (claim.from() instanceof Claim.From.Named named) {
      named.ids().forEach(id -> requirePartition(id.partition()));
    }
    return write(w -> w.claim(claim, turns));
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    requireOpen();
    requirePartition(
        scan instanceof Scan.Rows rows ? rows.id().partition() : ((Scan.Records) scan).partition());
    long now = timeOfRead();
    return read(r -> r.scan(scan, now));
  }

  @Override
  public Page<Stored> find(Find find) {
    long now = timeOfRead();
    return read(r -> r.find(find, now));
  }

  @Override
  public StoreInfo info() {
    return info;
  }

  /**
   * Waits for calls under way, empties the log into the file, and lets go of it: what is left is
   * the file and an empty lock file. Calls that come later fail with {@link ErrorCode#CLOSED}. May
   * be called more than once, by any thread.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      for (ReadSlot slot : readers) {
        slot.lock.lock();
        try {
          giveUp(slot.reader);
          slot.reader = null;
        } finally {
          slot.lock.unlock();
        }
      }
      try (owner;
          SqliteWriter last = writer) {
        writer = null;
        if (last != null) {
          last.finish();
        }
      } catch (SQLException | IOException e) {
        // everything answered lies in the log, which the next opening reads
        LOG.warn("store {} was closed without tidying up: {}", file.getFileName(), e.toString());
      }
    } finally {
      lock.unlock();
    }
  }

  private <T> T write(Work<SqliteWriter, T> work) {
    lock.lock();
    try {
      SqliteWriter present = null;
      try {
        present = writer();
        return work.with(present);
      } catch (SQLException e) {
        dropWriter();
        throw SqliteErrors.of(file, e);
      } catch (AgentException e) {
        throw e;
      } catch (RuntimeException e) {
        dropWriter();
        throw new AgentException(
            ErrorCode.STORE_UNAVAILABLE,
            "store %s failed, nothing of the call was kept: %s".formatted(file.getFileName(), e),
            e);
      } catch (Error e) {
        dropWriter();
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private SqliteWriter writer() throws SQLException {
    requireOpen();
    SqliteWriter present = writer;
    if (present == null) {
      SqliteSession session = SqliteSession.writer(file, syncEveryCommit);
      try {
        // gives space back to a full disk; whether it can does not matter
        session.framesInLog();
        present = new SqliteWriter(session, time, info.partitions());
      } catch (SQLException | RuntimeException e) {
        SqliteSession.closeAfter(session, e);
        throw e;
      }
      writer = present;
    }
    return present;
  }

  /** Rolls back what is under way and forgets what was remembered of it. */
  private void dropWriter() {
    giveUp(writer);
    writer = null;
  }

  private static void giveUp(@Nullable AutoCloseable session) {
    if (session != null) {
      SqliteSession.closeAfter(session, new IllegalStateException());
    }
  }

  private <T> T read(Work<SqliteReader, T> work) {
    ReadSlot slot = slot();
    try {
      requireOpen();
      SqliteReader present = slot.reader;
      if (present == null) {
        present = new SqliteReader(SqliteSession.reader(file));
        slot.reader = present;
      }
      return work.with(present);
    } catch (SQLException e) {
      giveUp(slot.reader);
      slot.reader = null;
      throw SqliteErrors.of(file, e);
    } catch (RuntimeException | Error e) {
      // the transaction ends with the session
      giveUp(slot.reader);
      slot.reader = null;
      throw e;
    } finally {
      slot.lock.unlock();
    }
  }

  /** A free slot, locked, or the next in turn as soon as it is free. */
  private ReadSlot slot() {
    int first = Math.floorMod(nextReader.getAndIncrement(), READERS);
    for (int i = 0; i < READERS; i++) {
      ReadSlot slot = readers[(first + i) % READERS];
      if (slot.lock.tryLock()) {
        return slot;
      }
    }
    readers[first].lock.lock();
    return readers[first];
  }

  /**
   * The time for a read: once a second it has to be reserved, and where that fails, because the
   * disk is full or read-only, the highest time that is reserved is shown and the read goes on.
   */
  private long timeOfRead() {
    long now = time.millis();
    if (now <= time.bound()) {
      return now;
    }
    try {
      return write(SqliteWriter::now);
    } catch (AgentException e) {
      if (e.code() == ErrorCode.CLOSED) {
        throw e;
      }
      return time.bound();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new AgentException(
          ErrorCode.CLOSED, "store " + file.getFileName() + " was closed; open it again");
    }
  }

  private void requirePartition(int number) {
    if (number < 0 || number >= info.partitions()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "store %s has partitions 0 to %d, not %d"
              .formatted(file.getFileName(), info.partitions() - 1, number));
    }
  }

  /** For tests: the connection that writes. */
  SqliteWriter present() {
    return Objects.requireNonNull(writer);
  }

  /** How to open a store. Not safe for several threads. */
  public static final class Builder {
    private final Path file;
    private int partitions = 64;
    private InstantSource clock = StoreClock.monotonic();
    private StoreInfo.Durability survives = StoreInfo.Durability.MACHINE;

    private Builder(Path file) {
      this.file = Objects.requireNonNull(file, "file");
    }

    /**
     * Sets how many partitions a new file gets; a file that is there must have as many.
     *
     * @param partitions 1 to 4096, 64 by default
     * @return this
     */
    public Builder partitions(int partitions) {
      this.partitions = partitions;
      return this;
    }

    /**
     * Sets where time comes from.
     *
     * @param clock by default {@link StoreClock#monotonic()} from the creation of this builder
     * @return this
     */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Sets what acknowledged changes outlive.
     *
     * @param survives {@link StoreInfo.Durability#MACHINE} by default: every commit is forced to
     *     disk. {@link StoreInfo.Durability#PROCESS} saves that, and a loss of power may take the
     *     last changes, never a part of one
     * @return this
     */
    public Builder survives(StoreInfo.Durability survives) {
      if (survives == StoreInfo.Durability.NOTHING) {
        throw new IllegalArgumentException("a file survives at least its process");
      }
      this.survives = Objects.requireNonNull(survives, "survives");
      return this;
    }

    /**
     * Opens the store.
     *
     * @return the store
     * @throws AgentException as {@link SqliteStateStore#open(Path)}
     */
    public SqliteStateStore open() {
      // An interrupted thread could use no channel, and the driver, when it is loaded, may start a
      // process to learn about the system and swallow the interrupt.
      boolean interrupted = Thread.interrupted();
      try {
        return openUninterrupted();
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private SqliteStateStore openUninterrupted() {
      Path real = SqliteFile.real(file);
      SqliteOwner owner = SqliteOwner.take(real);
      try {
        return new SqliteStateStore(this, real, owner);
      } catch (SQLException e) {
        SqliteSession.closeAfter(owner, e);
        throw SqliteErrors.of(real, e);
      } catch (RuntimeException | Error e) {
        SqliteSession.closeAfter(owner, e);
        throw e;
      }
    }
  }
}
