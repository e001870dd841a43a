package dev.troupe.examples.party;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.examples.party.agents.AskedModel;
import dev.troupe.examples.party.agents.Effects;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.catalogue.DataException;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.request.Options;
import dev.troupe.llm.GovernedModel;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.RunView;
import dev.troupe.state.Find;
import dev.troupe.state.StateStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command line. One instance serves one command. */
@Command(
    name = "party-planner",
    mixinStandardHelpOptions = true,
    version = "party-planner, an example of Troupe",
    description = "Plans parties from sample data; a plan that is killed goes on where it was.",
    footer = {
      "",
      "Exit codes: 0 complete plan, 1 unexpected error, 2 bad request or usage, 3 partial plan.",
      "With several requests the gravest counts: 1, then 2, then 3."
    })
final class PlannerCommand implements Callable<Integer> {
  private static final List<Integer> GRAVEST_LAST = List.of(0, 3, 2, 1);

  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "REQUEST", description = "The request in free text.")
  private @Nullable List<String> words;

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "A file with a request, or several divided by lines of ---; - for input.")
  private @Nullable List<String> files;

  @Option(names = "--each-line", description = "Take each line of the files for a request.")
  private boolean eachLine;

  @Option(names = "--interactive", description = "Ask for requests until an empty line.")
  private boolean interactive;

  @Option(
      names = "--db",
      paramLabel = "STORE",
      defaultValue = "party-planner.db",
      description =
          "What keeps the plans: a SQLite file (${DEFAULT-VALUE}), or for several processes redis://HOST:PORT or jdbc:postgresql://HOST/DATABASE?user=U&password=P.")
  private String db = "party-planner.db";

  @Option(
      names = "--show",
      paramLabel = "RUN",
      arity = "0..1",
      fallbackValue = "",
      description =
          "Print what a run and those below it did, where and for how long, and end; without RUN the newest plan's.")
  private @Nullable String show;

  @Option(names = "--memory", description = "Keep plans in memory only.")
  private boolean memory;

  @Option(
      names = "--events",
      paramLabel = "TRANSPORT",
      description =
          "Let the agents talk by events: over the store of the plans (store), redis://HOST:PORT or kafka://HOST:PORT.")
  private @Nullable String events;

  @Option(
      names = "--model",
      paramLabel = "PROVIDER[:MODEL][@URL]",
      description =
          "Let a language model classify requests and word plans: openai (OPENAI_API_KEY), bedrock (AWS's usual credentials) or ollama (running here). Without it, or where it fails, the rules do.")
  private @Nullable String model;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "party-plans",
      description = "Where JSON and Markdown are written (${DEFAULT-VALUE}).")
  private Path out = Path.of("party-plans");

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Data files of your own: rules.yaml, cities.yaml, catalogue/…")
  private @Nullable Path data;

  @Option(
      names = "--strategy",
      paramLabel = "NAME",
      description = "best-value or best-fit; without it the plan's id decides.")
  private @Nullable String strategy;

  @Option(
      names = "--fail",
      paramLabel = "AGENT[:N]",
      split = ",",
      description = "Make theme, venue, cake or budget fail, always or N times.")
  private List<String> fail = List.of();

  @Option(
      names = "--hang",
      paramLabel = "AGENT[:N]",
      split = ",",
      description = "Make an agent hang, always or N times.")
  private List<String> hang = List.of();

  @Option(
      names = "--slow",
      paramLabel = "MILLIS",
      defaultValue = "0",
      description = "Make each agent take longer.")
  private long slow;

  @Option(
      names = "--agent-limit",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "How long one agent may work (${DEFAULT-VALUE}).")
  private double agentLimit = 10;

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      description = "How long a plan may take in all, from its first submission on.")
  private @Nullable Double deadline;

  @Option(names = "--again", description = "Make a new plan even if there is one.")
  private boolean again;

  @Option(names = "--quiet", description = "Show nothing but plans and errors.")
  private boolean quiet;

  @Option(names = "--effects-file", hidden = true)
  private @Nullable Path effectsFile;

  private final PrintStream stdout;
  private final PrintStream stderr;

  private final Function<String, ? extends StateStore> opener;

  private PlannerCommand(
      PrintStream stdout, PrintStream stderr, Function<String, ? extends StateStore> opener) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.opener = opener;
  }

  /**
   * Runs the command.
   *
   * @param args its arguments
   * @param stdout where plans go
   * @param stderr where all else goes
   * @return the exit code
   */
  static int run(String[] args, PrintStream stdout, PrintStream stderr) {
    return run(args, stdout, stderr, Stores::open);
  }

  /** As the command, with another way to open the file; for tests that stop a store half way. */
  static int run(
      String[] args,
      PrintStream stdout,
      PrintStream stderr,
      Function<String, ? extends StateStore> opener) {
    CommandLine line = new CommandLine(new PlannerCommand(stdout, stderr, opener));
    line.setOut(new PrintWriter(stdout, true, StandardCharsets.UTF_8));
    line.setParameterExceptionHandler(
        (e, wrong) -> {
          stderr.println("error: " + e.getMessage() + " (--help shows the usage)");
          return PlannerSession.REFUSED;
        });
    line.setExecutionExceptionHandler((e, command, parsed) -> failed(e, stderr));
    return line.execute(args);
  }

  private static int failed(Exception e, PrintStream stderr) {
    if (e instanceof DataException || e instanceof RequestFiles.UnreadableException) {
      stderr.println("error: " + e.getMessage());
      return PlannerSession.REFUSED;
    }
    if (e instanceof AgentException known) {
      stderr.println("error: " + known.getMessage() + " (" + known.code() + ")");
      return PlannerSession.FAILED;
    }
    stderr.println("error: " + e);
    return PlannerSession.FAILED;
  }

  @Override
  public Integer call() throws InterruptedException, IOException {
    if (show != null) {
      return show(show);
    }
    Recommenders recommenders = Recommenders.standard();
    Options options = options(recommenders);
    boolean ask = interactive || (words == null && files == null && LiveDisplay.terminal());
    if (words == null && files == null && !ask) {
      throw wrong("nothing to plan: give a request, --file or --interactive");
    }
    List<String> requests = RequestFiles.requests(words, files, eachLine);
    boolean live = !quiet && LiveDisplay.possible();
    LiveDisplay display = new LiveDisplay(stderr);
    PlanWatch[] holder = new PlanWatch[1];
    PlanWatch watch =
        new PlanWatch(
            () -> {
              if (live) {
                display.draw(holder[0].lines());
              }
            });
    holder[0] = watch;
    DataFiles dataFiles = data == null ? DataFiles.bundled() : DataFiles.in(data);
    PlannerAgents agents =
        PlannerAgents.load(dataFiles, recommenders)
            .watcher(watch)
            .effects(effectsFile == null ? Effects.uncounted() : Effects.file(effectsFile));
    if (events != null && !events.matches("store|(redis|rediss|kafka)://.+")) {
      throw wrong("--events must be store, redis://HOST:PORT or kafka://HOST:PORT");
    }
    try (GovernedModel asked = model == null ? null : open(model);
        Planner planner = start(asked == null ? agents : asking(agents, asked), watch)) {
      PlannerSession session =
          new PlannerSession(
              planner, watch, display, new PlannerSession.Output(stdout, stderr, out, quiet, live));
      int code = PlannerSession.COMPLETE;
      for (int i = 0; i < requests.size(); i++) {
        separate(i);
        code = graver(code, session.answer(requests.get(i), options, again));
      }
      return ask ? graver(code, converse(session, options)) : code;
    }
  }

  private GovernedModel open(String address) {
    try {
      return Models.open(address);
    } catch (IllegalArgumentException wrong) {
      throw wrong("--model: " + wrong.getMessage());
    }
  }

  private static PlannerAgents asking(PlannerAgents agents, GovernedModel model) {
    return agents.model(new AskedModel(model, agents.rules(), agents.catalogue()));
  }

  private Planner start(PlannerAgents agents, PlanWatch watch) {
    StateStore store = opener.apply(memory ? "memory" : db);
    return events == null
        ? Planner.start(agents, store, watch)
        : Planner.start(agents, store, watch, Transports.open(events, store));
  }

  private int show(String run) {
    try (StateStore store = opener.apply(db)) {
      Optional<RunView> view =
          (run.isEmpty() ? newest(store) : Optional.of(run))
              .flatMap(id -> RunView.read(store, Codec.json(), id));
      if (view.isEmpty()) {
        throw wrong("there is no run " + run + " in " + db.replaceAll("[?].*", ""));
      }
      stdout.println(view.get().page());
      for (RunView.Line line : view.get().journal()) {
        if (line.child() != null) {
          show(store, line.child());
        }
      }
      return PlannerSession.COMPLETE;
    }
  }

  private static Optional<String> newest(StateStore store) {
    return store.find(Find.tagged(RunRecord.AGENT, PartyPlanner.NAME, 1)).items().stream()
        .map(record -> record.id().key())
        .findFirst();
  }

  private void show(StateStore store, String child) {
    RunView.read(store, Codec.json(), child).ifPresent(view -> stdout.println(view.page()));
  }

  private void separate(int number) {
    if (number > 0) {
      stdout.println();
    }
  }

  private int converse(PlannerSession session, Options options)
      throws InterruptedException, IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    int code = PlannerSession.COMPLETE;
    while (true) {
      stderr.print("What do you celebrate? (an empty line ends) ");
      stderr.flush();
      String text = in.readLine();
      if (text == null || text.isBlank() || text.strip().equals("quit")) {
        return code;
      }
      code = graver(code, session.answer(text, options, again));
    }
  }

  private static int graver(int a, int b) {
    return GRAVEST_LAST.indexOf(a) >= GRAVEST_LAST.indexOf(b) ? a : b;
  }

  private Options options(Recommenders recommenders) {
    if (strategy != null && !recommenders.names().contains(strategy)) {
      throw wrong(
          "no strategy '%s'; there are %s"
              .formatted(strategy, String.join(", ", recommenders.names())));
    }
    fail.forEach(this::checkFault);
    hang.forEach(this::checkFault);
    Duration limit = deadline == null ? null : seconds("--deadline", deadline);
    if (slow < 0) {
      throw wrong("--slow must not be negative: " + slow);
    }
    return new Options(
        strategy,
        fail,
        hang,
        Duration.ofMillis(slow),
        seconds("--agent-limit", agentLimit),
        limit,
        null);
  }

  private Duration seconds(String option, double seconds) {
    if (!(seconds >= 0.01 && seconds <= 86_400)) {
      throw wrong(option + " must be between 0.01 and 86400 seconds: " + seconds);
    }
    return Duration.ofMillis(Math.round(seconds * 1_000));
  }

  private void checkFault(String order) {
    if (!order.matches("(theme|venue|cake|budget)(:[1-9][0-9]?)?")) {
      throw wrong("'" + order + "' must be theme, venue, cake or budget, or like venue:2");
    }
  }

  private ParameterException wrong(String message) {
    CommandSpec known = spec;
    return new ParameterException(
        known == null ? new CommandLine(this) : known.commandLine(), message);
  }
}
