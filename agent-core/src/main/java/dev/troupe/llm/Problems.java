package dev.troupe.llm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is wrong with an answer: in full for the model, without its content for messages. */
final class Problems {
  private static final int MOST = 20;
  private static final int LONGEST_DETAIL = 200;

  private final List<String> places = new ArrayList<>();
  private final List<String> told = new ArrayList<>();

  void add(String place, String what) {
    add(place, what, null);
  }

  /** The detail comes from the answer, so only the model is told it. */
  void add(String place, String what, @Nullable String detail) {
    if (full()) {
      return;
    }
    String where = place.isEmpty() ? "the whole" : place;
    places.add(where + " " + what);
    String cut =
        detail == null || detail.length() <= LONGEST_DETAIL
            ? detail
            : detail.substring(0, LONGEST_DETAIL) + "…";
    told.add(where + " " + what + (cut == null ? "" : ": " + cut));
  }

  /** More would not help anybody. */
  boolean full() {
    return places.size() >= MOST;
  }

  int count() {
    return places.size();
  }

  List<String> forTheModel() {
    return List.copyOf(told);
  }

  List<String> forMessages() {
    return List.copyOf(places);
  }
}
