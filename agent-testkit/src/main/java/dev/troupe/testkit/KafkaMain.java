package dev.troupe.testkit;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/** One node of a {@link KafkaCluster}, in a JVM of its own until a signal ends it. */
final class KafkaMain {
  private KafkaMain() {}

  /**
   * Prepares the folder of the log at the first start, and runs the node.
   *
   * @param args the file of the node's settings, and the id of the cluster
   */
  public static void main(String[] args) {
    try {
      Properties settings = read(Path.of(args[0]));
      format(settings, args[1]);
      KafkaRaftServer server =
          new KafkaRaftServer(KafkaConfig.fromProps(settings, false), Time.SYSTEM);
      Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "kafka-end"));
      server.startup();
      server.awaitShutdown();
    } catch (Throwable e) {
      // the output is the log; and threads that were started would keep the process
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static Properties read(Path file) throws IOException {
    Properties settings = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      settings.load(reader);
    }
    return settings;
  }

  private static void format(Properties settings, String cluster) throws Exception {
    String folder = settings.getProperty("log.dirs");
    new Formatter()
        .setNodeId(Integer.parseInt(settings.getProperty("node.id")))
        .setClusterId(cluster)
        .addDirectory(folder)
        .setMetadataLogDirectory(folder)
        .setControllerListenerName(settings.getProperty("controller.listener.names"))
        .setIgnoreFormatted(true)
        .run();
  }
}
