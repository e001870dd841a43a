package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.RedisServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;

/** Keys of servers, each with a certificate that it signed itself, in a store made by keytool. */
final class TlsKeys {
  static final String PASSWORD = "of-the-keys";

  private final Path folder;
  private final Path store;

  TlsKeys(Path folder) {
    this.folder = folder;
    this.store = folder.resolve("keys.p12");
  }

  /** All certificates, to be trusted. */
  Path store() {
    return store;
  }

  /** Makes a key whose certificate says such names, as keytool writes them. */
  void make(String alias, String names) throws IOException, InterruptedException {
    Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
    Process made =
        new ProcessBuilder(
                keytool.toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-alias",
                alias,
                "-dname",
                "CN=" + alias,
                "-ext",
                "SAN=" + names,
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .start();
    String said = new String(made.getInputStream().readAllBytes(), UTF_8);
    assertThat(made.waitFor()).as(said).isZero();
  }

  /** Lets a server listen with a key; returns at which port. */
  int listen(RedisServer server, String alias) throws IOException, GeneralSecurityException {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    byte[] secret = keys.getKey(alias, PASSWORD.toCharArray()).getEncoded();
    byte[] shown = keys.getCertificate(alias).getEncoded();
    set(server, "tls-auth-clients", "no");
    set(server, "tls-key-file", pem(alias, "PRIVATE KEY", secret));
    set(server, "tls-cert-file", pem(alias, "CERTIFICATE", shown));
    for (int attempt = 1; ; attempt++) {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      String answer = server.command("CONFIG", "SET", "tls-port", "" + port);
      if (answer.equals("+OK")) {
        return port;
      }
      // another process may have taken the port in the meantime
      assertThat(attempt).as(answer).isLessThan(5);
    }
  }

  private static void set(RedisServer server, String name, String value) {
    // the files are looked at when both are named
    server.command("CONFIG", "SET", name, value);
  }

  private String pem(String alias, String kind, byte[] bytes) throws IOException {
    String text =
        "-----BEGIN %s-----%n%s%n-----END %s-----%n"
            .formatted(kind, Base64.getMimeEncoder().encodeToString(bytes), kind);
    Path file = folder.resolve(alias + "-" + kind.replace(' ', '-') + ".pem");
    return Files.write(file, text.getBytes(US_ASCII)).toString();
  }
}
