package org.postbus.outbound.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.outbound.fixture.Mutations.afterInterruption;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.heldClaim;
import static org.postbus.outbound.fixture.Mutations.inTry;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailboxes;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.HeldClaim.Confirmation;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailServer.Answers;

/** The exact commands sent to servers of every kind: the conversations are in {@code transcripts/outbound}. */
class ImapMailServerTest {
    private static final Map<Long, Boolean> TO_ARCHIVE = Map.of(1L, false, 2L, true);
    private static final Map<String, Boolean> SEEN = Map.of("$seen", true);

    private static Vertx vertx;
    private static ImapClient client;

    private final Mutations.SampleSnapshot world = new Mutations.SampleSnapshot()
            .imapMailbox(1, "INBOX")
            .imapMailbox(2, "Archive")
            .imapMailbox(3, "Work")
            .link(1, 1, 70, 11)
            .link(2, 1, 70, 12)
            .link(3, 1, 70, 13)
            .link(4, 3, 90, 3)
            .linkWithoutMessageId(5, 1, 70, 15);

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        client = new ImapClient(
                TestEgress.toThisMachine(vertx), ImapOptions.DEFAULT.withSilenceMax(Duration.ofSeconds(20)));
    }

    @AfterAll
    static void stop() {
        client.close().await().indefinitely();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_message_that_was_changed_concurrently_is_not_destroyed() {
        Answers answers = play("modified", destroy(1, 1), destroy(2, 2));

        assertDone(answers, 1);
        assertThat(failure(answers, 2)).isInstanceOf(ServerFailure.Conflict.class);
    }

    @Test
    void with_another_UIDVALIDITY_no_message_is_changed() {
        Answers answers = play("uidvalidity-changed", keywords(1, 1, SEEN), keywords(2, 4, SEEN));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.CursorLost.class);
        assertDone(answers, 4);
    }

    @Test
    void without_MOVE_a_message_is_copied_and_its_original_expunged() {
        assertDone(play("no-move", mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 2, TO_ARCHIVE)), 1, 2);
    }

    @Test
    void without_UIDPLUS_the_original_stays_marked_deleted() {
        assertDone(play("bare", mailboxes(1, 1, TO_ARCHIVE)), 1);
    }

    @Test
    void a_full_mailbox_refuses_the_move_and_nothing_else() {
        Answers answers =
                play("overquota", mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 2, TO_ARCHIVE), keywords(3, 3, SEEN));

        assertThat(failure(answers, 1))
                .asInstanceOf(rejected())
                .matches(rejected -> rejected.code().equals("OVERQUOTA"));
        assertThat(failure(answers, 2))
                .asInstanceOf(rejected())
                .matches(rejected -> rejected.code().equals("OVERQUOTA"));
        assertDone(answers, 3);
    }

    @Test
    void one_message_that_is_refused_does_not_spoil_the_others() {
        Answers answers = play("one-message-refused", keywords(1, 1, SEEN), keywords(2, 2, SEEN), keywords(3, 3, SEEN));

        assertDone(answers, 1, 3);
        assertThat(failure(answers, 2))
                .asInstanceOf(rejected())
                .matches(rejected -> rejected.code().equals("CANNOT"));
    }

    @Test
    void a_keyword_that_is_not_permanent_is_refused_with_an_explanation() {
        Answers answers = play("permanent-flags", keywords(1, 1, SEEN), keywords(2, 2, Map.of("project-x", true)));

        assertDone(answers, 1);
        assertThat(failure(answers, 2))
                .asInstanceOf(rejected())
                .extracting(ServerFailure.Rejected::text)
                .isEqualTo("the mailbox INBOX does not keep the keyword project-x (PERMANENTFLAGS)");
    }

    @Test
    void a_vanished_message_is_reported_and_one_that_is_as_requested_gets_no_command() {
        Answers answers =
                play("vanished-and-as-requested", keywords(1, 1, SEEN), keywords(2, 2, SEEN), keywords(3, 3, SEEN));

        assertDone(answers, 1, 3);
        assertMissing(answers, 2);
    }

    @Test
    void a_mailbox_that_is_gone_is_a_conflict_and_the_work_in_the_next_goes_on() {
        Answers answers = play("mailbox-gone", keywords(1, 1, SEEN), keywords(2, 4, SEEN));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.Conflict.class);
        assertDone(answers, 4);
    }

    @Test
    void an_interrupted_copy_is_unknown_and_nothing_else_is_changed() {
        Answers answers = play("lost-in-copy", mailboxes(1, 1, TO_ARCHIVE), keywords(2, 4, SEEN));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.OutcomeUnknown.class);
        assertThat(answers.byEmail()).containsOnlyKeys(email(1));
        assertThat(answers.lost()).containsInstanceOf(ServerFailure.Unreachable.class);
        assertThat(answers.changing()).isTrue();
    }

    @Test
    void the_second_attempt_copies_only_what_is_missing() {
        assertDone(
                play(
                        "search-before-copy",
                        inTry(2, mailboxes(1, 1, TO_ARCHIVE)),
                        inTry(2, mailboxes(2, 2, TO_ARCHIVE))),
                1,
                2);
    }

    /** The original is expunged next: what is taken for its copy must be one. */
    @Test
    void the_second_attempt_copies_messages_that_cannot_be_identified() {
        assertDone(play("search-without-header", inTry(2, mailboxes(1, 5, TO_ARCHIVE))), 5);
    }

    @Test
    void in_the_second_attempt_a_message_that_was_moved_is_done() {
        assertDone(
                play("moved-already", inTry(2, mailboxes(1, 1, TO_ARCHIVE)), inTry(2, mailboxes(2, 2, TO_ARCHIVE))),
                1,
                2);
    }

    /** Servers answer OK to a COPY of messages that are gone. */
    @Test
    void a_copy_that_COPYUID_does_not_name_is_searched_for_and_without_it_the_original_is_not_expunged() {
        Answers answers = play(
                "copy-not-proved",
                mailboxes(1, 1, TO_ARCHIVE),
                mailboxes(2, 2, TO_ARCHIVE),
                mailboxes(3, 3, TO_ARCHIVE));

        assertDone(answers, 1, 2);
        assertThat(failure(answers, 3))
                .isInstanceOfSatisfying(
                        ServerFailure.Conflict.class,
                        conflict -> assertThat(conflict.text()).contains("is not in Archive"));
    }

    @Test
    void a_refused_copy_leaves_its_original() {
        Answers answers = play("copy-refused", mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 2, TO_ARCHIVE));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.Rejected.class);
        assertThat(failure(answers, 2)).isInstanceOf(ServerFailure.Rejected.class);
    }

    @Test
    void a_move_of_a_message_that_was_expunged_meanwhile_is_missing() {
        Answers answers = play("move-of-expunged", mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 2, TO_ARCHIVE));

        assertDone(answers, 1);
        assertMissing(answers, 2);
    }

    @Test
    void without_COPYUID_the_target_shows_that_a_message_was_moved() {
        Answers answers = play("move-without-copyuid", mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 5, TO_ARCHIVE));

        assertDone(answers, 1, 5);
    }

    @Test
    void a_message_that_is_as_requested_must_exist() {
        Answers answers = play("as-requested", mailboxes(1, 1, Map.of(1L, true)), mailboxes(2, 2, Map.of(1L, true)));

        assertDone(answers, 1);
        assertMissing(answers, 2);
    }

    @Test
    void a_destroyed_message_that_is_gone_is_missing_unless_it_may_have_been_destroyed_before() {
        Answers answers = play("destroy-of-expunged", destroy(1, 1), afterInterruption(destroy(2, 2)));

        assertMissing(answers, 1);
        assertDone(answers, 2);
    }

    @Test
    void a_mailbox_that_cannot_be_read_for_now_rejects_nothing() {
        Answers selecting = play("select-refused-for-now", keywords(1, 1, SEEN));
        Answers fetching = play("fetch-refused-for-now", keywords(1, 1, SEEN));

        assertThat(failure(selecting, 1)).isInstanceOf(ServerFailure.CursorLost.class);
        assertThat(failure(fetching, 1)).isInstanceOf(ServerFailure.CursorLost.class);
    }

    /** The process was frozen before its first COPY, and another one has taken over. */
    @Test
    void nothing_is_copied_after_the_claim_was_lost() {
        try (ScriptedImapServer server = server("claim-lost-before-copy")) {
            ImapMailServer mail = open(server);
            HeldClaim claim = claimAnswering(Confirmation.LOST);

            assertThatThrownBy(
                            () -> mail.apply(Fold.fold(List.of(mailboxes(1, 1, TO_ARCHIVE))), world.snapshot(), claim))
                    .isInstanceOf(HeldClaim.LostException.class);

            mail.close();
            server.assertPlayed();
        }
    }

    /** The COPY reached the server after another process had taken over and copied. */
    @Test
    void a_second_copy_is_removed_by_the_process_that_lost_the_claim() {
        try (ScriptedImapServer server = server("claim-lost-after-copy")) {
            ImapMailServer mail = open(server);
            HeldClaim claim = claimAnswering(Confirmation.HELD, Confirmation.LOST);

            assertThatThrownBy(() -> mail.apply(
                            Fold.fold(List.of(mailboxes(1, 1, TO_ARCHIVE), mailboxes(2, 2, TO_ARCHIVE))),
                            world.snapshot(),
                            claim))
                    .isInstanceOf(HeldClaim.LostException.class);

            mail.close();
            server.assertPlayed();
        }
    }

    private static HeldClaim claimAnswering(Confirmation... answers) {
        var left = new ArrayDeque<>(List.of(answers));
        return new HeldClaim(
                Duration.ofMinutes(1),
                () -> left.size() > 1 ? left.removeFirst() : left.getFirst(),
                System::nanoTime,
                System.nanoTime());
    }

    @Test
    void throttling_ends_the_attempt_with_the_servers_hint() {
        Answers answers = play("throttled", keywords(1, 1, SEEN));

        assertThat(answers.byEmail()).isEmpty();
        assertThat(answers.lost())
                .hasValueSatisfying(lost -> assertThat(lost)
                        .asInstanceOf(InstanceOfAssertFactories.type(ServerFailure.Throttled.class))
                        .extracting(ServerFailure.Throttled::retryAfter)
                        .isEqualTo(Optional.of(Duration.ofMillis(29_991))));
    }

    @Test
    void a_mailbox_stays_selected() {
        try (ScriptedImapServer server = server("selected-once")) {
            ImapMailServer mail = open(server);

            Answers first = mail.apply(Fold.fold(List.of(keywords(1, 1, SEEN))), world.snapshot(), heldClaim());
            Answers second = mail.apply(
                    Fold.fold(List.of(keywords(2, 2, Map.of("$flagged", false)))), world.snapshot(), heldClaim());
            mail.close();

            assertDone(first, 1);
            assertDone(second, 2);
            server.assertPlayed();
        }
    }

    private Answers play(String transcript, EmailMutation... mutations) {
        try (ScriptedImapServer server = server(transcript)) {
            ImapMailServer mail = open(server);
            Answers answers = mail.apply(Fold.fold(List.of(mutations)), world.snapshot(), heldClaim());
            assertThat(mail.isOpen()).isEqualTo(answers.lost().isEmpty());
            mail.close();
            server.assertPlayed();
            return answers;
        }
    }

    private static ScriptedImapServer server(String transcript) {
        return ScriptedImapServer.playing(Transcript.read("outbound/" + transcript + ".txt"));
    }

    private static ImapMailServer open(ScriptedImapServer server) {
        return ImapMailServer.open(
                client,
                new AccountSettings.Imap("alice", server.address(), Optional.empty()),
                new Credential.Password(new Secret("secret")));
    }

    private static void assertDone(Answers answers, long... emails) {
        for (long email : emails) {
            assertThat(answers.byEmail().get(email(email)))
                    .as("email %d", email)
                    .isEqualTo(Answer.DONE);
        }
    }

    private static void assertMissing(Answers answers, long... emails) {
        for (long email : emails) {
            assertThat(answers.byEmail().get(email(email)))
                    .as("email %d", email)
                    .isEqualTo(Answer.MISSING);
        }
    }

    private static ServerFailure failure(Answers answers, long email) {
        assertThat(answers.byEmail().get(email(email))).isInstanceOf(Answer.Failed.class);
        return ((Answer.Failed) answers.byEmail().get(email(email))).failure();
    }

    private static org.assertj.core.api.InstanceOfAssertFactory<
                    ServerFailure.Rejected, org.assertj.core.api.ObjectAssert<ServerFailure.Rejected>>
            rejected() {
        return InstanceOfAssertFactories.type(ServerFailure.Rejected.class);
    }
}
