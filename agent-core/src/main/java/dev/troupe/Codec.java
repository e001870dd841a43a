package dev.troupe;

import java.lang.reflect.Type;
import org.jspecify.annotations.Nullable;

/**
 * Turns values into the bytes that are stored and back. Every input, result and failure of a run
 * passes one, so encryption or compression is a codec around another.
 *
 * <p>What was encoded decodes to an equal value, and bytes that were written under an {@link #id()}
 * stay readable under it for ever.
 *
 * <p>Implementations are safe for use by many threads.
 */
public interface Codec {
  /**
   * The name stored with every run, so that a reader knows what it needs.
   *
   * @return a short constant such as {@code json}
   */
  String id();

  /**
   * Encodes a value.
   *
   * @param value the value, may be null
   * @param type its declared type
   * @return the bytes
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when the value can't be encoded
   */
  byte[] encode(@Nullable Object value, Type type);

  /**
   * Decodes what {@link #encode} gave.
   *
   * @param bytes the stored bytes
   * @param type the type wanted
   * @return the value, null when null was encoded
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when the bytes do not fit the type;
   *     the message names the type and the place and shows no content
   */
  @Nullable Object decode(byte[] bytes, Type type);

  /**
   * The default: JSON by Jackson, for records, beans, collections, and the types of {@code
   * java.time} as ISO-8601 text. Unknown properties are ignored so that types can grow; keys of
   * maps are sorted; no type names are stored, and none are obeyed unless a type of the host asks
   * for it by annotation; missing properties take the default of their type. Nesting is limited to
   * 200 levels, one text to 16 MiB, a number to 1,000 characters.
   *
   * @return a shared instance
   */
  static Codec json() {
    return JsonCodec.INSTANCE;
  }
}
