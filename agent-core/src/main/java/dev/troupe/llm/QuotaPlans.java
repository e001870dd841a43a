package dev.troupe.llm;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds which quotas hold for a call. Safe for use by many threads. */
final class QuotaPlans {
  private static final int MOST_KEPT = 10_000;
  private static final int MOST_LINES = 16;
  private static final Pattern PLAIN = Pattern.compile("[^\\p{Cntrl}/]{0,40}");

  private final Map<Whose, Quota> accounts;
  private final Map<Whose, Quota> models;
  private final Map<String, Quota> tenants;
  private final @Nullable Quota eachTenant;
  private final boolean together;
  private final double share;
  private final Map<Key, QuotaPlan> known = new ConcurrentHashMap<>();

  /** Whose limits; empty text for any account, and for all models. */
  record Whose(String provider, String account, String model) {}

  private record Key(String provider, String account, String model, String tenant) {}

  /** Checks that every call's limits fit into one demand. */
  QuotaPlans(Quotas.Builder b) {
    this.accounts = Map.copyOf(b.accounts);
    this.models = Map.copyOf(b.models);
    this.tenants = Map.copyOf(b.tenants);
    this.eachTenant = b.eachTenant;
    this.together = b.together;
    this.share = b.share;
    int most = most(accounts) + most(models) + Math.max(most(tenants), lines(eachTenant));
    most += (accounts.isEmpty() ? 0 : 1) + (models.isEmpty() ? 0 : 1);
    if (most > MOST_LINES) {
      throw new IllegalArgumentException(
          "a call may have to keep %d limits of account, model, tenant and pauses, and %d are decided on at once; set fewer"
              .formatted(most, MOST_LINES));
    }
  }

  private static int most(Map<?, Quota> quotas) {
    return quotas.values().stream().mapToInt(Quota::lines).max().orElse(0);
  }

  private static int lines(@Nullable Quota quota) {
    return quota == null ? 0 : quota.lines();
  }

  QuotaPlan plan(Quotas.Ask ask) {
    Key key = new Key(ask.provider(), ask.account(), ask.model(), ask.tenant());
    QuotaPlan plan = known.get(key);
    if (plan == null) {
      if (known.size() >= MOST_KEPT) {
        known.clear();
      }
      plan = make(key);
      known.put(key, plan);
    }
    return plan;
  }

  private QuotaPlan make(Key key) {
    String account = name(key.provider) + "/" + name(key.account);
    String scope = together ? account + "/" : "";
    QuotaPlan.Builder plan = new QuotaPlan.Builder(together ? "llm" : "llm/" + account, share);
    Quota one = find(accounts, key, "");
    if (one != null) {
      plan.told(one, scope, "of account '%s'".formatted(key.account));
    }
    Quota model = find(models, key, key.model);
    if (model != null) {
      String words = "of model '%s' and account '%s'".formatted(key.model, key.account);
      plan.told(model, scope + "m/" + name(key.model) + "/", words);
    }
    Quota tenant = tenants.get(key.tenant);
    if (tenant == null && !key.tenant.isEmpty()) {
      tenant = eachTenant;
    }
    if (tenant != null) {
      plan.add(tenant, "t/" + name(key.tenant) + "/", "of tenant '%s'".formatted(key.tenant));
    }
    return plan.build();
  }

  private static @Nullable Quota find(Map<Whose, Quota> quotas, Key key, String model) {
    Quota exact = quotas.get(new Whose(key.provider, key.account, model));
    return exact != null ? exact : quotas.get(new Whose(key.provider, "", model));
  }

  /** A part of a name: itself, or when it is long or has other characters, a hash of it. */
  static String name(String part) {
    String text = part.replace("%", "%25").replace("/", "%2F");
    if (PLAIN.matcher(text).matches()) {
      return text;
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(part.getBytes(StandardCharsets.UTF_8));
      return "#" + HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
