package dev.troupe.run;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a run is: fixed when it is created and kept with it.
 *
 * @param id the run, {@code route} or {@code route/name}
 * @param agent the name of its agent
 * @param version the version of the agent's definition on which it began and ends
 * @param origin where it came from
 * @param terms when and for whom it runs
 * @param encoding how its values are written
 * @param input its encoded input
 */
public record RunHeader(
    String id,
    String agent,
    String version,
    Origin origin,
    Terms terms,
    Encoding encoding,
    byte[] input) {
  /**
   * Where a run came from.
   *
   * @param parent the run that called it, null for a root
   * @param path the place of the call in the parent's journal, null for a root
   * @param capability what was asked for
   * @param created when, on the store's clock
   * @param root the run at the root of the tree where that is not the parent, else null
   */
  public record Origin(
      @Nullable String parent,
      @Nullable String path,
      String capability,
      Instant created,
      @Nullable String root) {
    /**
     * Of a root, or of a child of one.
     *
     * @param parent the run that called it, null for a root
     * @param path the place of the call in the parent's journal, null for a root
     * @param capability what was asked for
     * @param created when, on the store's clock
     */
    public Origin(
        @Nullable String parent, @Nullable String path, String capability, Instant created) {
      this(parent, path, capability, created, null);
    }
  }

  /**
   * When and for whom a run runs.
   *
   * @param priority 0 to 2
   * @param lane the lane that it goes in, null for none
   * @param deadline when it has to be over, null for never
   * @param tenant for whom, empty for nobody in particular
   * @param principal who asked, empty when not known
   * @param trace the place in a trace from which it goes on: a W3C {@code traceparent} and, behind
   *     a space, the {@code tracestate} if there is one; empty for none
   */
  public record Terms(
      int priority,
      @Nullable String lane,
      @Nullable Instant deadline,
      String tenant,
      String principal,
      String trace) {}

  /**
   * How values are written.
   *
   * @param codec the codec's id
   * @param keyId the key for encryption, empty for none
   */
  public record Encoding(String codec, String keyId) {
    public Encoding {
      Objects.requireNonNull(codec, "codec");
    }
  }

  public RunHeader {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(agent, "agent");
    Objects.requireNonNull(version, "version");
    Objects.requireNonNull(origin, "origin");
    Objects.requireNonNull(terms, "terms");
    Objects.requireNonNull(encoding, "encoding");
    Objects.requireNonNull(input, "input");
  }

  /**
   * Where the run waits to be claimed.
   *
   * @return {@code agent@version}
   */
  public String queue() {
    return agent + "@" + version;
  }

  /**
   * The run at the root of the tree. Children of children that were created before roots were
   * stored know their parent only, and give that.
   *
   * @return its id, this run's own when it is a root
   */
  public String rootId() {
    if (origin.root() != null) {
      return origin.root();
    }
    return origin.parent() == null ? id : origin.parent();
  }

  /**
   * The id of a child at a path of this run. It shares the route, hence the partition.
   *
   * @param path the place of the call
   * @param turn 1; higher when a child was left there by code whose call was put aside
   * @return the id
   */
  public String childId(String path, int turn) {
    return id + "/" + path + (turn == 1 ? "" : "~" + turn);
  }

  @Override
  public String toString() {
    return "run " + id + " of " + queue();
  }
}
