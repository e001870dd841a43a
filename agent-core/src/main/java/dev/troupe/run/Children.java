package dev.troupe.run;

import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The child runs that a run's calls created, and how they are told to stop. */
final class Children {
  private final Entries entries;
  private final Mailbox mailbox;
  private final Post post;

  Children(Entries entries, Mailbox mailbox, Post post) {
    this.entries = entries;
    this.mailbox = mailbox;
    this.post = post;
  }

  /** Tells the child of a call to stop. */
  List<Edit> cancel(Entry call, String why) {
    return post.mail(call.head(), Mailbox.CANCEL, Entry.text(why));
  }

  /** Tells those children to stop that still run and whose calls stand where it is asked for. */
  List<Edit> cancelWhere(Predicate<String> asked, String why) {
    List<Edit> edits = new ArrayList<>();
    entries.forEach(
        (path, entry) -> {
          if (asked.test(path) && stillRuns(path, entry)) {
            edits.addAll(cancel(entry, why));
          }
        });
    return edits;
  }

  private boolean stillRuns(String path, Entry entry) {
    return entry.kind() == Entry.Kind.CALL && mailbox.childResult(path) == null;
  }
}
