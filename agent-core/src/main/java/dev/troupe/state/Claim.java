package dev.troupe.state;

import java.util.List;
import java.util.Set;

/**
 * Asks for records to hold.
 *
 * @param grant under which all records of the answer are held; never used before
 * @param from which records
 * @param partitions where to look; ignored by {@link From.Named}
 * @param limit the most records in the answer
 * @param maxBytes no further record is handed out once values, rows and mail of the answer have
 *     passed this; the first always is
 */
public record Claim(Grant grant, From from, Set<Integer> partitions, int limit, int maxBytes) {
  public Claim {
    partitions = Set.copyOf(partitions);
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
  }

  /** Which records a claim asks for. */
  public sealed interface From {
    /**
     * Records of these queues that are due.
     *
     * @param queues the queues
     */
    record Due(List<String> queues) implements From {
      public Due {
        queues = List.copyOf(queues);
      }
    }

    /**
     * These records if they are queued, due or not: the fast path of a wake-up.
     *
     * @param ids the records
     */
    record Named(List<RecordId> ids) implements From {
      public Named {
        ids = List.copyOf(ids);
      }
    }

    /**
     * What a holder has: a dead one's records, or one's own that one does not run.
     *
     * @param holder whose records
     * @param except numbers of grants to leave alone
     */
    record HeldBy(String holder, Set<Long> except) implements From {
      public HeldBy {
        except = Set.copyOf(except);
      }
    }
  }
}
