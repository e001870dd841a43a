package dev.troupe.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;

/**
 * Marks a test of a contract and says which numbered guarantee of the port it holds an adapter to.
 * The method's name is a sentence and starts with the same number, such as {@code g04_…}.
 */
@Documented
@Test
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Guarantee {
  /**
   * The number of the sentence in the port's Javadoc.
   *
   * @return from 1
   */
  int value();
}
