package dev.troupe.llm;

import java.util.Objects;

/**
 * Who shares a budget.
 *
 * @param kind what it is
 * @param id the run at the root of the tree, or the tenant; empty for the fleet
 */
public record BudgetScope(Kind kind, String id) {
  private static final BudgetScope FLEET = new BudgetScope(Kind.FLEET, "");
  private static final int MAX = 420;

  /** What shares. */
  public enum Kind {
    /** A run with all runs that it called, and so on. */
    RUN,
    /** A tenant, in a day or a month. */
    TENANT,
    /** All processes that share the store, in a day or a month. */
    FLEET
  }

  /** Checks the id. */
  public BudgetScope {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(id, "id");
    if (id.isEmpty() != (kind == Kind.FLEET) || escaped(id).length() > MAX) {
      throw new IllegalArgumentException(
          "the id of a run or tenant has 1 to %d characters, that of the fleet none; this has %d"
              .formatted(MAX, id.length()));
    }
  }

  /**
   * A run's whole tree.
   *
   * @param root the run at its root
   * @return the scope
   */
  public static BudgetScope run(String root) {
    return new BudgetScope(Kind.RUN, root);
  }

  /**
   * A tenant.
   *
   * @param tenant its name, not empty
   * @return the scope
   */
  public static BudgetScope tenant(String tenant) {
    return new BudgetScope(Kind.TENANT, tenant);
  }

  /**
   * Everybody.
   *
   * @return the scope
   */
  public static BudgetScope fleet() {
    return FLEET;
  }

  /** The key of the record with its settings; those of its accounts begin with it and a slash. */
  String key() {
    return switch (kind) {
      case RUN -> "$budget:run:" + escaped(id);
      case TENANT -> "$budget:tenant:" + escaped(id);
      case FLEET -> "$budget:fleet";
    };
  }

  /** Without a slash, so that all of a scope has one route and no two scopes share a key. */
  private static String escaped(String id) {
    if (id.indexOf('/') < 0 && id.indexOf('%') < 0) {
      return id;
    }
    return id.replace("%", "%25").replace("/", "%2F");
  }

  @Override
  public String toString() {
    return switch (kind) {
      case RUN -> "the tree of run '" + id + "'";
      case TENANT -> "tenant '" + id + "'";
      case FLEET -> "the fleet";
    };
  }
}
