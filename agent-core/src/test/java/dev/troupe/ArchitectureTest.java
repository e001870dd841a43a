package dev.troupe;

import static com.tngtech.archunit.core.domain.JavaModifier.ABSTRACT;
import static com.tngtech.archunit.core.domain.JavaModifier.FINAL;
import static com.tngtech.archunit.core.domain.JavaModifier.PROTECTED;
import static com.tngtech.archunit.core.domain.JavaModifier.PUBLIC;
import static com.tngtech.archunit.core.domain.JavaModifier.STATIC;
import static com.tngtech.archunit.core.domain.JavaModifier.SYNCHRONIZED;
import static com.tngtech.archunit.core.domain.JavaModifier.SYNTHETIC;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toUnmodifiableSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.SynchronizedTree;
import com.sun.source.util.TreeScanner;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.domain.JavaTypeVariable;
import com.tngtech.archunit.core.domain.properties.HasModifiers;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.troupe.JavaSources.Source;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The borders inside agent-core, as {@code docs/design.md} draws them. */
final class ArchitectureTest {
  /**
   * A package imports only packages above it. A package inside one of these belongs to its line.
   */
  private static final List<String> ORDER =
      List.of(
          "dev.troupe",
          "dev.troupe.state",
          "dev.troupe.resilience",
          "dev.troupe.event",
          "dev.troupe.agent",
          "dev.troupe.run",
          "dev.troupe.runtime",
          "dev.troupe.llm");

  private static final Set<String> PORTS =
      Set.of("StateStore", "EventTransport", "LlmProvider", "RetryPolicy", "RateLimiter");

  private static final int MOST_METHODS_OF_A_PORT = 5;

  private static final Pattern EMPTY_NAME =
      Pattern.compile(".*(Impl|Manager|Helper|Utils?)|(Base|Default)([A-Z].*)?");

  /** What of java.util.concurrent is a value or a function and starts or stops nothing. */
  private static final Set<String> HARMLESS_CONCURRENCY =
      Stream.of("Callable", "TimeUnit", "TimeoutException", "CancellationException")
          .map("java.util.concurrent."::concat)
          .collect(toUnmodifiableSet());

  private static final Pattern THREADS_CLOCK_AND_IO =
      Pattern.compile(
          "java\\.util\\.concurrent\\..*|java\\.lang\\.(Thread|Process)\\w*|java\\.util\\.Timer\\w*"
              + "|java\\.time\\.(Clock|InstantSource)|java\\.util\\.Date"
              + "|java\\.io\\.(?!Serializable$).*|java\\.nio\\.(file|channels)\\..*"
              + "|java\\.net\\.(?!URI$).*|javax?\\.sql\\..*");

  private static final Set<String> CLOCK_AND_CHANCE =
      Set.of(
          "java.lang.System.nanoTime",
          "java.lang.System.currentTimeMillis",
          "java.lang.Math.random",
          "java.util.UUID.randomUUID",
          "java.lang.Object.wait",
          "java.lang.Object.notify",
          "java.lang.Object.notifyAll");

  private static final JavaClasses MAIN =
      new ClassFileImporter()
          // ArchUnit's own option knows only target/test-classes; builds with other JDKs have
          // folders of their own
          .withImportOption(location -> !location.contains("/test-classes/"))
          .importPackages("dev.troupe");

  @Test
  void aPackageImportsOnlyPackagesAboveIt() {
    classes()
        .should(
            satisfy(
                "import only packages above their own",
                (type, violations) -> {
                  int own = lineOf(type.getPackageName());
                  if (own < 0) {
                    violations.add(type.getName() + " is in a package that ORDER doesn't name");
                  }
                  for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                    String target =
                        dependency.getTargetClass().getBaseComponentType().getPackageName();
                    if ((target + ".").startsWith("dev.troupe.") && lineOf(target) > own) {
                      violations.add(dependency.getDescription());
                    }
                  }
                }))
        .check(MAIN);
  }

  /** So a process whose clock is days ahead neither fires timers early nor takes anything over. */
  @Test
  void onlyStoresOfTheProcessAskTheWallClock() {
    Set<String> mayAsk = Set.of("dev.troupe.state.StoreClock", "dev.troupe.runtime.RuntimeCore");
    Set<String> asked = new TreeSet<>();
    for (JavaClass type : MAIN) {
      for (JavaMethodCall call : type.getMethodCallsFromSelf()) {
        String owner = call.getTargetOwner().getName();
        boolean wallClock =
            (owner.startsWith("java.time.") && call.getName().matches("now|system.*|tick.*"))
                || (owner.equals("java.lang.System") && call.getName().equals("currentTimeMillis"))
                || owner.equals("java.util.Date");
        if (wallClock) {
          asked.add(type.getName());
        }
      }
    }
    assertThat(asked).isEqualTo(mayAsk);
  }

  @Test
  void thereIsNoCycleOfPackages() {
    slices()
        .assignedFrom(
            new SliceAssignment() {
              @Override
              public SliceIdentifier getIdentifierOf(JavaClass type) {
                return SliceIdentifier.of(type.getPackageName());
              }

              @Override
              public String getDescription() {
                return "packages";
              }
            })
        .should()
        .beFreeOfCycles()
        .check(MAIN);
  }

  @Test
  void theEngineHasNoThreadNoClockNoChanceAndNoInputOrOutput() {
    classes()
        .that()
        .resideInAPackage("dev.troupe.run..")
        .should(
            satisfy(
                "be the same function of their arguments every time",
                (type, violations) -> {
                  for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                    String target = dependency.getTargetClass().getBaseComponentType().getName();
                    if (THREADS_CLOCK_AND_IO.matcher(target).matches()
                        && !HARMLESS_CONCURRENCY.contains(target)) {
                      violations.add(dependency.getDescription());
                    }
                  }
                  for (JavaAccess<?> access : type.getAccessesFromSelf()) {
                    if (readsClockOrChance(access.getTarget())) {
                      violations.add(access.getDescription());
                    }
                  }
                }))
        .allowEmptyShould(true)
        .check(MAIN);
  }

  @Test
  void noSignatureShowsALibraryThatHostsMayReplace() {
    classes()
        .that(that("are accessible", ArchitectureTest::isAccessible))
        .should(
            satisfy(
                "not show Jackson or resilience4j, nor langchain4j outside dev.troupe.llm",
                (type, violations) -> {
                  boolean leaf = belongsTo(type.getPackageName(), "dev.troupe.llm");
                  eachSignature(
                      type,
                      (where, types) -> {
                        for (JavaType part : types) {
                          for (JavaClass raw : part.getAllInvolvedRawTypes()) {
                            String name = raw.getName();
                            if (name.startsWith("com.fasterxml.jackson.")
                                || name.startsWith("tools.jackson.")
                                || name.startsWith("io.github.resilience4j.")
                                || (!leaf && name.startsWith("dev.langchain4j."))) {
                              violations.add(where + " shows " + name);
                            }
                          }
                        }
                      });
                }))
        .check(MAIN);
  }

  @Test
  void aPublicClassSaysWhetherItMayBeExtended() {
    classes()
        .that()
        .arePublic()
        .should(
            satisfy(
                "be final, sealed, abstract, an interface, a record, an enum or an exception",
                (type, violations) -> {
                  if (!type.getModifiers().contains(FINAL)
                      && !type.getModifiers().contains(ABSTRACT)
                      && !type.isEnum()
                      && !type.isAssignableTo(Throwable.class)
                      && !type.reflect().isSealed()) {
                    violations.add(type.getName() + " may be extended by anybody");
                  }
                }))
        .check(MAIN);
  }

  @Test
  void noMethodIsSynchronized() {
    methods()
        .should(
            satisfy(
                "not be synchronized",
                (method, violations) -> {
                  if (method.getModifiers().contains(SYNCHRONIZED)) {
                    violations.add(method.getFullName() + " is synchronized");
                  }
                }))
        .check(MAIN);
  }

  /** Blocks leave no mark that ArchUnit reads, and other modules are not on this class path. */
  @Test
  void noSourceOfAnyModuleIsSynchronized() {
    List<String> found = new ArrayList<>();
    for (Source source : JavaSources.parseAll()) {
      new TreeScanner<Void, Void>() {
        @Override
        public Void visitSynchronized(SynchronizedTree block, Void unused) {
          found.add(source.at(block));
          return super.visitSynchronized(block, null);
        }

        @Override
        public Void visitModifiers(ModifiersTree modifiers, Void unused) {
          if (modifiers.getFlags().contains(javax.lang.model.element.Modifier.SYNCHRONIZED)) {
            found.add(source.at(modifiers));
          }
          return super.visitModifiers(modifiers, null);
        }
      }.scan(source.tree(), null);
    }
    assertThat(found)
        .as("uses of 'synchronized', which pins virtual threads before JDK 24")
        .isEmpty();
  }

  @Test
  void noStaticFieldChanges() {
    fields()
        .that(has(STATIC))
        .and(that("are written by hand", has(SYNTHETIC).negate()))
        .should(
            satisfy(
                "be final",
                (field, violations) -> {
                  if (!field.getModifiers().contains(FINAL)) {
                    violations.add(field.getFullName() + " is shared by all runtimes of the JVM");
                  }
                }))
        .allowEmptyShould(true)
        .check(MAIN);
  }

  @Test
  void aPortHasFewAbstractMethods() {
    classes()
        .that(that("are ports", type -> PORTS.contains(type.getSimpleName())))
        .should(
            satisfy(
                "have at most " + MOST_METHODS_OF_A_PORT + " abstract methods",
                (type, violations) -> {
                  List<String> methods =
                      Stream.of(type.reflect().getMethods())
                          .filter(method -> Modifier.isAbstract(method.getModifiers()))
                          .filter(method -> !isFromObject(method))
                          .map(Method::getName)
                          .toList();
                  if (methods.size() > MOST_METHODS_OF_A_PORT) {
                    violations.add(type.getName() + " has " + methods.size() + ": " + methods);
                  }
                }))
        .allowEmptyShould(true)
        .check(MAIN);
  }

  @Test
  void noNameIsEmpty() {
    classes()
        .should(
            satisfy(
                "be named after what they are, not …Impl, …Manager, …Helper, …Util, Base…, Default…",
                (type, violations) -> {
                  if (EMPTY_NAME.matcher(type.getSimpleName()).matches()) {
                    violations.add(type.getName() + " says nothing");
                  }
                }))
        .check(MAIN);
  }

  @Test
  void everyPackageIsNullMarked() {
    Set<String> unmarked = new TreeSet<>();
    for (JavaClass type : MAIN) {
      JavaPackage home = type.getPackage();
      if (home.tryGetPackageInfo()
          .filter(info -> info.isAnnotatedWith(NullMarked.class))
          .isEmpty()) {
        unmarked.add(home.getName());
      }
    }
    assertThat(unmarked).as("packages without @NullMarked in their package-info").isEmpty();
  }

  /** The index in {@link #ORDER}; the root takes in nothing below it. */
  private static int lineOf(String packageName) {
    for (int line = ORDER.size() - 1; line > 0; line--) {
      if (belongsTo(packageName, ORDER.get(line))) {
        return line;
      }
    }
    return packageName.equals(ORDER.get(0)) ? 0 : -1;
  }

  private static boolean belongsTo(String packageName, String parent) {
    return packageName.equals(parent) || packageName.startsWith(parent + ".");
  }

  private static boolean readsClockOrChance(AccessTarget target) {
    String owner = target.getOwner().getName();
    String member = owner + "." + target.getName();
    // Every class of java.time calls it so.
    return CLOCK_AND_CHANCE.contains(member)
        || (owner.startsWith("java.time.") && target.getName().equals("now"));
  }

  private static boolean isFromObject(Method method) {
    try {
      Object.class.getMethod(method.getName(), method.getParameterTypes());
      return true;
    } catch (NoSuchMethodException e) {
      return false;
    }
  }

  private static boolean isAccessible(JavaClass type) {
    return isPublicOrProtected(type)
        && type.getEnclosingClass().map(ArchitectureTest::isAccessible).orElse(true);
  }

  private static boolean isPublicOrProtected(HasModifiers part) {
    Set<JavaModifier> modifiers = part.getModifiers();
    return modifiers.contains(PUBLIC) || modifiers.contains(PROTECTED);
  }

  private static void eachSignature(
      JavaClass type, BiConsumer<String, Collection<? extends JavaType>> check) {
    check.accept(type.getName(), type.getInterfaces());
    check.accept(type.getName(), type.getSuperclass().map(List::of).orElse(List.of()));
    check.accept(type.getName(), bounds(type.getTypeParameters()));
    for (JavaField field : type.getFields()) {
      if (isPublicOrProtected(field)) {
        check.accept(field.getFullName(), List.of(field.getType()));
      }
    }
    for (JavaCodeUnit unit : type.getCodeUnits()) {
      if (isPublicOrProtected(unit)) {
        check.accept(unit.getFullName(), List.of(unit.getReturnType()));
        check.accept(unit.getFullName(), unit.getParameterTypes());
        check.accept(unit.getFullName(), unit.getExceptionTypes());
        check.accept(unit.getFullName(), bounds(unit.getTypeParameters()));
      }
    }
  }

  private static List<JavaType> bounds(List<? extends JavaTypeVariable<?>> variables) {
    return variables.stream().flatMap(variable -> variable.getBounds().stream()).toList();
  }

  private static <T extends HasModifiers> DescribedPredicate<T> has(JavaModifier modifier) {
    return that(
        "are " + modifier.name().toLowerCase(Locale.ROOT),
        part -> part.getModifiers().contains(modifier));
  }

  private static <T> DescribedPredicate<T> that(
      String description, Predicate<? super T> predicate) {
    return DescribedPredicate.describe(description, predicate);
  }

  /** A condition that holds when its check names no violation. */
  private static <T> ArchCondition<T> satisfy(
      String description, BiConsumer<T, Collection<String>> check) {
    return new ArchCondition<>(description) {
      @Override
      public void check(T item, ConditionEvents events) {
        Set<String> violations = new TreeSet<>();
        check.accept(item, violations);
        if (!violations.isEmpty()) {
          events.add(
              SimpleConditionEvent.violated(item, violations.stream().collect(joining("\n"))));
        }
      }
    };
  }
}
