package dev.troupe.runtime;

import java.util.UUID;

/** Ids that only have to be new. */
final class RunIds {
  private RunIds() {}

  static String random() {
    return UUID.randomUUID().toString();
  }
}
