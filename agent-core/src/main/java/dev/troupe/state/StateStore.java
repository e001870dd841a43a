package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;

/**
 * Keeps records and hands them out to one holder at a time. Everything that survives lies here.
 *
 * <p>Guarantees, each with a test of the same number in {@code StateStoreContract}:
 *
 * <ol>
 *   <li>A change is done whole or not at all, also when anything dies in the middle.
 *   <li>A change touches one partition; one that names two is refused before anything happens.
 *   <li>A claim, {@code Put}, {@code Queue} and {@code Release} each raise the version by one;
 *       {@code Row}, {@code Mail} and {@code Add} never do.
 *   <li>Mail is accepted by a queued or held record only, gets the record's next number in the
 *       order of acceptance, and once per name; otherwise it is dropped and the outcome says so.
 *   <li>Mail to a queued record makes it due at once if it is urgent or reaches {@code wakeAtMail},
 *       in the same change.
 *   <li>Once a claim by B was answered, nothing guarded by A's grant is done, whatever A had in
 *       flight.
 *   <li>A record has at most one holder. A lane's second record is never handed out while the first
 *       is queued or held; lane order is the order in which the store first queued them.
 *   <li>{@code Due} hands out only what is due on the store's clock, higher priority first, then by
 *       due time, apart from one in so many that has waited longest; nothing due is passed over for
 *       ever.
 *   <li>A change sent again after a lost answer does nothing twice: {@code Row} and {@code Mail}
 *       repeat without effect; what raised a version is refused while no other change has raised it
 *       since, and {@code found} shows its id as last change; after that its guards refuse it
 *       ({@code Absent}, {@code AtVersion}, a used grant); {@code Add} is only allowed in a change
 *       with a {@code NoRow} guard for a row that it sets.
 *   <li>{@code now} never goes back.
 *   <li>{@code scan} sees every change answered before; {@code find} may trail by {@code findLag}.
 *   <li>An expired record is absent at once.
 *   <li>Over a limit: an error names it and nothing is done.
 *   <li>What was answered survives what {@link #info()} says.
 * </ol>
 *
 * <p>Instants are stored in whole milliseconds. Implementations are safe for use by many threads
 * and throw {@link AgentException}: {@link ErrorCode#STORE_UNAVAILABLE} when it is unknown whether
 * the changes were made, {@link ErrorCode#STORE_FULL} when they were not for lack of space.
 */
public interface StateStore extends AutoCloseable {
  /**
   * Does each change whole or not at all, independently of the others, in the order of the list;
   * one round trip for all where the store can.
   *
   * @param changes what to do
   * @return an outcome for each change, in the same order
   * @throws AgentException when a change breaks a rule of {@link StoreInfo#check(List)}, in which
   *     case none was done, or when the store fails
   */
  List<Outcome> apply(List<Change> changes);

  /**
   * Hands records to a holder: due ones of some queues, named ones, or those that a holder has.
   *
   * @param claim what is asked for
   * @return the records, with rows, mail and counters, now held under the claim's grant
   */
  List<Stored> claim(Claim claim);

  /**
   * Records of one partition in key order, with or without rows; or rows of one record.
   *
   * @param scan what to read
   * @return a page of records
   */
  Page<Stored> scan(Scan scan);

  /**
   * Records of all partitions that carry the tags, newest first, without rows and mail; may trail
   * {@link #apply} by {@code info().findLag()}.
   *
   * @param find what to look for
   * @return a page of records
   */
  Page<Stored> find(Find find);

  /**
   * Partitions, who shares the store, what it survives.
   *
   * @return constant while open
   */
  StoreInfo info();

  /** Gives everything back to the system. May be called more than once. */
  @Override
  default void close() {}
}
