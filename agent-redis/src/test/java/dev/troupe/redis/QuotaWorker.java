package dev.troupe.redis;

import dev.troupe.llm.LlmException;
import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
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

/** A process whose threads ask a provider as often as the quotas let them. */
final class QuotaWorker {
  private static final int THREADS = 4;

  private QuotaWorker() {}

  /**
   * Takes the server's address, the provider's port, requests, their burst, milliseconds of window
   * and margin, and how many milliseconds to run; begins when it is told something.
   */
  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[1]);
    Quota quota =
        Quota.builder()
            .requests(
                Integer.parseInt(args[2]),
                Duration.ofMillis(Long.parseLong(args[4])),
                Integer.parseInt(args[3]))
            .inFlight(50)
            .margin(Duration.ofMillis(Long.parseLong(args[5])))
            .build();
    try (RedisRateLimiter limiter = RedisRateLimiter.connect(args[0]);
        Quotas quotas = Quotas.over(limiter).account("stub", "key", quota).build()) {
      List<Socket> sockets = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        sockets.add(socket);
      }
      System.out.println("ready");
      if (System.in.read() < 0) {
        return;
      }
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(args[6]));
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
      System.out.println("asked " + asked + " degraded " + quotas.degraded());
    }
  }

  private static int ask(Quotas quotas, Socket socket, long until) throws Exception {
    Quotas.Ask ask = new Quotas.Ask("stub", "key", "model", "", 1, 10, 10);
    int asked = 0;
    for (long left; (left = until - System.nanoTime()) > 0; ) {
      Quotas.Ticket ticket;
      try {
        ticket = quotas.acquire(ask, Duration.ofNanos(left));
      } catch (LlmException e) {
        // the next one is for after the end
        break;
      }
      socket.getOutputStream().write('?');
      int answer = socket.getInputStream().read();
      ticket.used(10, 10, Map.of());
      asked++;
      if (answer != 'y') {
        break;
      }
    }
    return asked;
  }
}
