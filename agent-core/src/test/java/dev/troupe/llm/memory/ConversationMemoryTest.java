package dev.troupe.llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.store.memory.chat.ChatMemoryStore;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConversationMemoryTest {
  private final StateStore store = new MemoryStateStore();
  private final ConversationMemory memory = ConversationMemory.over(store).build();

  private static UserMessage user(String text) {
    return UserMessage.from(text);
  }

  private static AiMessage calls(String id) {
    return AiMessage.from(
        ToolExecutionRequest.builder().id(id).name("search").arguments("{}").build());
  }

  private static ToolExecutionResultMessage result(String id) {
    return ToolExecutionResultMessage.from(id, "search", "found " + id);
  }

  @Test
  void aConversationGivesBackWhatWasAdded() {
    List<ChatMessage> messages =
        List.of(
            SystemMessage.from("Be brief"),
            user("hi"),
            calls("1"),
            result("1"),
            AiMessage.from("hello"));
    assertThat(memory.append("c", "run-1", messages)).isTrue();
    assertThat(memory.read("c").messages()).isEqualTo(messages);
    assertThat(memory.load("c")).isEqualTo(messages);
    assertThat(memory.read("another").messages()).isEmpty();
  }

  @Test
  void theSameAdditionMadeAgainChangesNothing() {
    memory.append("c", "run-1", List.of(user("one")));
    memory.append("c", "run-2", List.of(user("two")));
    assertThat(memory.append("c", "run-1", List.of(user("one")))).isFalse();
    assertThat(memory.read("c").messages()).containsExactly(user("one"), user("two"));
  }

  @Test
  void processesThatWriteAtTheSameTimeLoseNoMessage() throws Exception {
    int writers = 6;
    int each = 15;
    ExecutorService threads = Executors.newFixedThreadPool(writers);
    CyclicBarrier together = new CyclicBarrier(writers);
    List<Future<?>> all = new ArrayList<>();
    for (int w = 0; w < writers; w++) {
      int writer = w;
      all.add(
          threads.submit(
              () -> {
                ConversationMemory own = ConversationMemory.over(store).build();
                together.await();
                for (int i = 0; i < each; i++) {
                  String text = writer + "-" + i;
                  own.append("c", text, List.of(user(text)));
                }
                return null;
              }));
    }
    for (Future<?> one : all) {
      one.get(30, TimeUnit.SECONDS);
    }
    threads.shutdown();
    List<ChatMessage> messages = memory.read("c").messages();
    assertThat(messages).hasSize(writers * each).doesNotHaveDuplicates();
    for (int w = 0; w < writers; w++) {
      String prefix = w + "-";
      assertThat(messages.stream().map(m -> ((UserMessage) m).singleText()))
          .filteredOn(text -> text.startsWith(prefix))
          .containsExactlyElementsOf(
              java.util.stream.IntStream.range(0, each).mapToObj(i -> prefix + i).toList());
    }
  }

  @Test
  void aReplacementIsRefusedWhenSomebodyWroteSinceItWasRead() {
    memory.append("c", "1", List.of(user("one")));
    Conversation read = memory.read("c");
    memory.append("c", "2", List.of(user("two")));
    assertThat(memory.replace(read, List.of(user("mine")))).isFalse();
    assertThat(memory.read("c").messages()).containsExactly(user("one"), user("two"));
    assertThat(memory.replace(memory.read("c"), List.of(user("one"), user("mine")))).isTrue();
    assertThat(memory.read("c").messages()).containsExactly(user("one"), user("mine"));
  }

  @Test
  void theWindowNeverCutsACallFromItsResultAndKeepsTheSystemMessage() {
    List<ChatMessage> messages = new ArrayList<>();
    messages.add(SystemMessage.from("Be brief"));
    messages.add(user("find three"));
    for (int i = 0; i < 3; i++) {
      messages.add(calls("a" + i));
      messages.add(result("a" + i));
    }
    messages.add(AiMessage.from("found"));
    for (int most = 1; most <= messages.size() + 1; most++) {
      List<ChatMessage> shown = new Window(most, Long.MAX_VALUE, m -> 1).of(messages);
      assertThat(shown.get(0)).isEqualTo(messages.get(0));
      assertThat(shown).hasSizeLessThanOrEqualTo(Math.max(most, 2)).endsWith(messages.get(8));
      for (int i = 0; i < shown.size(); i++) {
        if (shown.get(i) instanceof ToolExecutionResultMessage) {
          assertThat(shown.get(i - 1)).isInstanceOf(AiMessage.class);
        }
      }
    }
    List<ChatMessage> parallel =
        List.of(user("two at once"), calls("x"), result("x"), result("y"), result("z"));
    assertThat(new Window(3, Long.MAX_VALUE, m -> 1).of(parallel))
        .isEqualTo(parallel.subList(1, 5));
  }

  @Test
  void theWindowIsBoundedByTokensAndBeginsWithTheUser() {
    List<ChatMessage> messages =
        List.of(
            user("aaaa"),
            AiMessage.from("bbbb"),
            user("cccc"),
            AiMessage.from("dddd"),
            user("eeee"));
    Window window = new Window(100, 4, m -> 1);
    assertThat(window.of(messages)).isEqualTo(messages.subList(2, 5));
    assertThat(new Window(100, 0, m -> 1).of(messages)).isEqualTo(messages.subList(4, 5));
  }

  @Test
  void whatHasLeftTheWindowIsRemovedUnlessItIsToBeSummarised() {
    ConversationMemory small = ConversationMemory.over(store).maxMessages(3).build();
    ConversationMemory keeping =
        ConversationMemory.over(store).maxMessages(3).keepForSummary().build();
    for (int i = 1; i <= 6; i++) {
      small.append("small", "" + i, List.of(user("m" + i)));
      keeping.append("keeping", "" + i, List.of(user("m" + i)));
    }
    assertThat(small.read("small").messages()).hasSize(3);
    assertThat(small.read("small").first()).isEqualTo(4);
    assertThat(keeping.read("keeping").messages()).hasSize(6);
    assertThat(keeping.load("keeping")).containsExactly(user("m4"), user("m5"), user("m6"));
  }

  @Test
  void aSummaryTakesThePlaceOfWhatItSumsUpOnceAndLosesNothingThatCameMeanwhile() {
    ConversationMemory keeping =
        ConversationMemory.over(store).maxMessages(2).keepForSummary().build();
    keeping.append("c", "0", List.of(SystemMessage.from("Be brief")));
    for (int i = 1; i <= 4; i++) {
      keeping.append("c", "" + i, List.of(user("m" + i)));
    }
    Excess excess = keeping.excess("c").orElseThrow();
    assertThat(excess.messages()).containsExactly(user("m1"), user("m2"), user("m3"));
    keeping.append("c", "5", List.of(user("m5")));

    assertThat(keeping.summarized("c", excess, "one to three")).isTrue();
    assertThat(keeping.summarized("c", excess, "one to three")).isFalse();
    assertThat(keeping.read("c").messages())
        .containsExactly(SystemMessage.from("Be brief"), user("m4"), user("m5"));
    assertThat(keeping.load("c").get(0)).isEqualTo(SystemMessage.from("Be brief"));
    assertThat(keeping.load("c").get(1))
        .isInstanceOfSatisfying(
            UserMessage.class, m -> assertThat(m.singleText()).endsWith("one to three"));
    assertThat(keeping.load("c").get(2)).isEqualTo(user("m5"));
  }

  @Test
  void aSlowSummaryDoesNotReplaceThatOfAFasterProcess() {
    ConversationMemory keeping =
        ConversationMemory.over(store).maxMessages(1).keepForSummary().build();
    for (int i = 1; i <= 3; i++) {
      keeping.append("c", "" + i, List.of(user("m" + i)));
    }
    Excess slow = keeping.excess("c").orElseThrow();
    Excess fast = keeping.excess("c").orElseThrow();
    keeping.append("c", "4", List.of(user("m4")));
    assertThat(keeping.summarized("c", fast, "fast")).isTrue();
    assertThat(keeping.summarized("c", slow, "slow")).isFalse();
    assertThat(keeping.read("c").summary()).isEqualTo("fast");
  }

  @Test
  void tenantsDoNotSeeEachOther() {
    ConversationMemory a = ConversationMemory.over(store).tenant("a").build();
    ConversationMemory b = ConversationMemory.over(store).tenant("b").build();
    a.append("c", "1", List.of(user("secret of a")));
    b.append("c", "1", List.of(user("secret of b")));
    assertThat(a.read("c").messages()).containsExactly(user("secret of a"));
    b.delete("c");
    assertThat(a.read("c").messages()).hasSize(1);
    assertThat(b.read("c").messages()).isEmpty();
  }

  @Test
  void whatIsTooLargeIsRefusedByNameAndWithoutItsContent() {
    ConversationMemory small = ConversationMemory.over(store).maxBytes(1_000).build();
    assertThatThrownBy(() -> small.append("c", "1", List.of(user("canary" + "x".repeat(2_000)))))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
        .hasMessageContaining("conversation c")
        .hasMessageNotContaining("canary");
    assertThatThrownBy(() -> memory.append("c", "1", List.of(user("x".repeat(300_000)))))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED));
    assertThat(memory.read("c").messages()).isEmpty();
  }

  @Test
  void messagesPassTheCodecAndAreShownByNobodysToString() {
    Codec base64 =
        new Codec() {
          @Override
          public String id() {
            return "base64";
          }

          @Override
          public byte[] encode(Object value, Type type) {
            return Base64.getEncoder().encode(Codec.json().encode(value, type));
          }

          @Override
          public Object decode(byte[] bytes, Type type) {
            return Codec.json().decode(Base64.getDecoder().decode(bytes), type);
          }
        };
    ConversationMemory own = ConversationMemory.over(store).codec(base64).build();
    own.append("c", "1", List.of(user("canary-4711")));
    assertThat(own.read("c").messages()).containsExactly(user("canary-4711"));
    assertThat(own.read("c").toString()).doesNotContain("canary");
    for (int p = 0; p < store.info().partitions(); p++) {
      for (Stored record : store.scan(new Scan.Records(p, "", null, true, 10)).items()) {
        record
            .rows()
            .values()
            .forEach(
                row ->
                    assertThat(new String(row, StandardCharsets.UTF_8)).doesNotContain("canary"));
      }
    }
    assertThatThrownBy(() -> memory.read("c"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE));
  }

  @Test
  void anAdditionWhoseAnswerWasLostIsMadeOnceWhenItIsSentAgain() {
    AtomicBoolean loses = new AtomicBoolean(true);
    ConversationMemory forgetful =
        ConversationMemory.over(
                new ForwardingStore(store) {
                  @Override
                  public List<Outcome> apply(List<Change> changes) {
                    List<Outcome> outcomes = super.apply(changes);
                    if (loses.getAndSet(false)) {
                      throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "no answer");
                    }
                    return outcomes;
                  }
                })
            .build();
    assertThatThrownBy(() -> forgetful.append("c", "1", List.of(user("one"))))
        .isInstanceOf(AgentException.class);
    assertThat(forgetful.append("c", "1", List.of(user("one")))).isFalse();
    assertThat(memory.read("c").messages()).containsExactly(user("one"));
  }

  /** As {@code MessageWindowChatMemory} does it: read all, change the list, write all. */
  private static void add(ChatMemoryStore memory, ChatMessage message) {
    List<ChatMessage> messages = memory.getMessages("c");
    messages.add(message);
    memory.updateMessages("c", messages);
  }

  @Test
  void asAStoreOfLangChain4jItLosesNoMessageOfAnotherProcess() {
    ChatMemoryStore one = memory.asChatMemoryStore();
    ChatMemoryStore other = ConversationMemory.over(store).build().asChatMemoryStore();
    add(one, user("a"));
    List<ChatMessage> early = one.getMessages("c");
    add(other, user("b"));
    early.add(user("c"));
    one.updateMessages("c", early);
    assertThat(other.getMessages("c")).containsExactly(user("a"), user("b"), user("c"));

    List<ChatMessage> evicting = one.getMessages("c");
    add(other, user("d"));
    evicting.remove(0);
    evicting.add(user("e"));
    one.updateMessages("c", evicting);
    assertThat(one.getMessages("c"))
        .containsExactly(user("a"), user("b"), user("c"), user("d"), user("e"));

    List<ChatMessage> alone = one.getMessages("c");
    alone.remove(0);
    one.updateMessages("c", alone);
    assertThat(one.getMessages("c")).hasSize(4).startsWith(user("b"));
    one.deleteMessages("c");
    assertThat(one.getMessages("c")).isEmpty();
  }
}
