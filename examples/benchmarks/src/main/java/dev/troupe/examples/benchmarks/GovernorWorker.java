package dev.troupe.examples.benchmarks;

import dev.troupe.llm.LlmException;
import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
import dev.troupe.redis.RedisRateLimiter;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** One process of the governor's report: asks the provider as often as the quotas let it. */
public final class GovernorWorker {
  private static final int THREADS = 8;

  private GovernorWorker() {}

  /**
   * The program. Begins when it is told something.
   *
   * @param args the address of Redis, the provider's port, requests, in how many milliseconds, for
   *     how many milliseconds to ask; and where they are not the usual ones, the burst and the
   *     margin in milliseconds
   * @throws Exception when it fails
   */
  public static void main(String[] args) throws Exception {
    long requests = Long.parseLong(args[2]);
    Duration window = Duration.ofMillis(Long.parseLong(args[3]));
    Quota.Builder limits = Quota.builder().inFlight(100);
    if (args.length > 5) {
      limits.requests(requests, window, Long.parseLong(args[5]));
      limits.margin(Duration.ofMillis(Long.parseLong(args[6])));
    } else {
      limits.requests(requests, window); // as a host would set it
    }
    Quota quota = limits.build();
    try (RedisRateLimiter limiter = RedisRateLimiter.connect(args[0]);
        Quotas quotas = Quotas.over(limiter).account("stub", "key", quota).build()) {
      List<Socket> sockets = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(args[1]));
        socket.setTcpNoDelay(true);
        sockets.add(socket);
      }
      System.out.println("ready");
      if (System.in.read() < 0) {
        return;
      }
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(args[4]));
      ExecutorService threads = Executors.newFixedThreadPool(THREADS);
      List<Future<Integer>> all = new ArrayList<>();
      for (Socket socket : sockets) {
        all.add(threads.submit(() -> ask(quotas, socket, until)));
      }
      int asked = 0;
      for (Future<Integer> one : all) {
        asked += one.get();
      }
      threads.shutdown();
      System.out.println("asked " + asked + (quotas.degraded() ? ", alone at the end" : ""));
    }
  }

  private static int ask(Quotas quotas, Socket socket, long until) throws Exception {
    Quotas.Ask ask = new Quotas.Ask("stub", "key", "model", "", 1, 10, 10);
    int asked = 0;
    for (long left; (left = until - System.nanoTime()) > 0; asked++) {
      Quotas.Ticket ticket;
      try {
        ticket = quotas.acquire(ask, Duration.ofNanos(left));
      } catch (LlmException over) {
        // the next one may go after the end
        return asked;
      }
      socket.getOutputStream().write('?');
      if (socket.getInputStream().read() != GovernorPeer.SERVED) {
        ticket.used(10, 10, Map.of());
        return asked + 1;
      }
      ticket.used(10, 10, Map.of());
    }
    return asked;
  }
}
