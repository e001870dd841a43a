package dev.troupe.examples.benchmarks;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The floor: the same rows in a table of the same form, by hand. */
final class RawSqlite implements AutoCloseable {
  private final Connection connection;
  private final PreparedStatement insert;
  private final byte[] row;
  private long next;

  RawSqlite(Path file, byte[] row) throws SQLException {
    this.row = row;
    this.connection = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement setup = connection.createStatement()) {
      setup.execute("pragma journal_mode=wal");
      setup.execute("pragma synchronous=full");
      setup.execute(
          "create table line(run integer, name text, value blob, primary key(run, name)) without rowid");
    }
    this.insert =
        connection.prepareStatement(
            "insert into line(run, name, value) values (?, ?, ?) on conflict do update set value = excluded.value");
  }

  private void write(long run, int step) throws SQLException {
    insert.setLong(1, run);
    insert.setString(2, "step#" + step);
    insert.setBytes(3, row);
    insert.executeUpdate();
  }

  /** Rows a second when each is committed by itself. */
  double oneByOne(int rows) throws SQLException {
    long run = ++next;
    long began = System.nanoTime();
    for (int i = 0; i < rows; i++) {
      write(run, i);
    }
    return rows * 1e9 / (System.nanoTime() - began);
  }

  private record Job(long run, int step, CountDownLatch done) {}

  /** Rows a second when threads hand theirs to one writer, which commits all that have come. */
  double throughOneWriter(int threads, int rowsEach) throws Exception {
    BlockingQueue<Job> queue = new ArrayBlockingQueue<>(threads * 2);
    long began = System.nanoTime();
    List<Thread> feeders = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      long run = ++next;
      Thread feeder = new Thread(() -> feed(queue, run, rowsEach));
      feeder.start();
      feeders.add(feeder);
    }
    int left = threads * rowsEach;
    connection.setAutoCommit(false);
    List<Job> batch = new ArrayList<>();
    while (left > 0) {
      Job first = queue.poll(10, TimeUnit.SECONDS);
      if (first == null) {
        throw new SQLException("the feeders have stopped");
      }
      batch.add(first);
      queue.drainTo(batch);
      for (Job job : batch) {
        write(job.run, job.step);
      }
      connection.commit();
      batch.forEach(job -> job.done.countDown());
      left -= batch.size();
      batch.clear();
    }
    connection.setAutoCommit(true);
    for (Thread feeder : feeders) {
      feeder.join();
    }
    return (double) threads * rowsEach * 1e9 / (System.nanoTime() - began);
  }

  private static void feed(BlockingQueue<Job> queue, long run, int rows) {
    try {
      for (int i = 0; i < rows; i++) {
        Job job = new Job(run, i, new CountDownLatch(1));
        queue.put(job);
        job.done.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() throws SQLException {
    insert.close();
    connection.close();
  }
}
