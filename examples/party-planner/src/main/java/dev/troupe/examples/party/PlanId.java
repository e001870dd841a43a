package dev.troupe.examples.party;

import dev.troupe.Codec;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.examples.party.request.Sanitizer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.HexFormat;
import java.util.Locale;

/** Names plans by what was asked, so that the same command finds the same plan. */
final class PlanId {
  private static final int READABLE = 40;

  private PlanId() {}

  /**
   * The id of the plan for a request.
   *
   * @param request text and options
   * @return a few readable words and a hash, fit for file names
   */
  static String of(PartyRequest request) {
    byte[] all = Codec.json().encode(request, PartyRequest.class);
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(all);
      return slug(Sanitizer.clean(request.text())) + "-" + HexFormat.of().formatHex(hash, 0, 5);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String slug(String text) {
    StringBuilder slug = new StringBuilder();
    String head = text.substring(0, Math.min(200, text.length()));
    String letters = Normalizer.normalize(head, Normalizer.Form.NFD).toLowerCase(Locale.ROOT);
    for (int i = 0; i < letters.length() && slug.length() < READABLE; i++) {
      char c = letters.charAt(i);
      if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        slug.append(c);
      } else if (Character.getType(c) != Character.NON_SPACING_MARK
          && slug.length() > 0
          && slug.charAt(slug.length() - 1) != '-') {
        slug.append('-');
      }
    }
    while (slug.length() > 0 && slug.charAt(slug.length() - 1) == '-') {
      slug.setLength(slug.length() - 1);
    }
    return slug.length() == 0 ? "party" : slug.toString();
  }
}
