package dev.troupe.providers;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** The key that a call sent: whoever repeats it, in which form whatever, is not quoted. */
final class SentKey {
  /** What is shorter is part of words that mean something else. */
  private static final int SHORTEST = 8;

  static final SentKey NONE = new SentKey("");

  private final String key;

  SentKey(String key) {
    this.key = key;
  }

  /** The same words without the key: as it is, URL-encoded, or in base64. */
  String hiddenIn(String words) {
    if (key.length() < SHORTEST) {
      return words;
    }
    String hidden = words;
    for (String form : forms()) {
      hidden = hidden.replace(form, "***");
    }
    return hidden;
  }

  private List<String> forms() {
    List<String> forms = new ArrayList<>();
    forms.add(key);
    forms.add(URLEncoder.encode(key, StandardCharsets.UTF_8));
    for (int before = 0; before < 3; before++) {
      byte[] bytes = (" ".repeat(before) + key).getBytes(StandardCharsets.UTF_8);
      String whole = Base64.getEncoder().encodeToString(bytes);
      // what stands at both ends depends on what is around the key
      forms.add(whole.substring(before == 0 ? 0 : 4, whole.length() - 4));
    }
    return forms;
  }

  @Override
  public String toString() {
    return "a key";
  }
}
