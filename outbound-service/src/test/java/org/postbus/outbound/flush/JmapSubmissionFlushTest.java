package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.change.ChangeEvent.SubmissionSent;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.fake.FakeSubmissions;
import org.postbus.mail.smtp.ScriptedSmtpServer;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.submission.Submission;

/** Sends over JMAP: to a real server, and to a fake one. */
class JmapSubmissionFlushTest {
    private static final String MESSAGE_ID = "m1@postbus.example";
    private static final String BOB = FakeJmapServer.USER;
    private static final Duration WAIT = Duration.ofSeconds(60);

    private static OutboundProcess process;
    private static SubmissionProcesses processes;
    private FakeJmapServer server;
    private FakeSubmissions submissions;
    private Account account;

    @BeforeAll
    static void start() {
        process = new OutboundProcess();
        processes = new SubmissionProcesses(process);
    }

    @AfterAll
    static void stop() throws SQLException {
        process.close();
    }

    @BeforeEach
    void open() {
        server = FakeJmapServer.start(process.vertx());
        submissions = server.offerSubmission();
        account = account(BOB, server.sessionUrl(), FakeJmapServer.PASSWORD);
    }

    @AfterEach
    void close() {
        assertThat(server.complaints()).isEmpty();
        server.close();
    }

    @Test
    void a_real_server_delivers_a_message_once_without_bcc_and_files_it_in_sent() {
        // Given
        James james = DevStack.james();
        String from = newUser(james, "jmap-sender");
        String to = newUser(james, "jmap-recipient");
        String hidden = newUser(james, "jmap-hidden");
        Account real = account(from, james.sessionUrl(), "secret");
        SubmissionId submission = process.database.submission(real, from, MESSAGE_ID, to, hidden);
        process.database.run(
                "update submission set message = convert_to(replace(convert_from(message, 'UTF8'), 'Subject:', 'Bcc: ' || ? || E'\\r\\nSubject:'), 'UTF8')"
                        + " where submission_id = ?",
                hidden,
                submission.value());

        // When
        processes.flush(real);

        // Then
        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("copy", "none")
                .containsEntry("next_try_at", null)
                .containsEntry("message", null);
        await().atMost(WAIT)
                .untilAsserted(() -> assertThat(List.of(in(james, to, "INBOX"), in(james, hidden, "INBOX")))
                        .containsExactly(1, 1));
        assertThat(List.of(in(james, from, "Sent"), in(james, from, "Drafts"))).containsExactly(1, 0);
        try (RawImap raw = raw(james, to)) {
            raw.select("INBOX");
            assertThat(raw.fetchAll().toString()).doesNotContain(hidden);
        }

        // When
        processes.makeDue();
        processes.flush(real);

        // Then
        assertThat(in(james, to, "INBOX")).isEqualTo(1);
    }

    @Test
    void a_message_is_a_draft_first_and_then_filed_in_sent() {
        SubmissionId submission = submission("ann@example.com", "joe@example.com");

        processes.flush(account);

        assertThat(submissions.delivered()).singleElement().satisfies(delivered -> {
            assertThat(delivered.mailFrom()).isEqualTo(BOB);
            assertThat(delivered.recipients()).containsExactly("ann@example.com", "joe@example.com");
            assertThat(delivered.content())
                    .startsWith("From: " + BOB + "\r\n")
                    .contains("Message-ID: <" + MESSAGE_ID + ">\r\n")
                    .endsWith("\r\n\r\nHello.\r\n");
        });
        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("copy", "none")
                .containsEntry("refused", "{}");
        assertFiledOnce();
        assertThat(process.database.changes(account)).containsExactly(new SubmissionSent(submission, List.of()));
    }

    @Test
    void a_message_that_the_server_does_not_file_in_sent_is_filed_by_us() {
        submissions.fileNothing();
        SubmissionId submission = submission("ann@example.com");
        processes.flush(account);
        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("copy", "due");

        processes.makeDue();
        processes.flush(account);

        assertThat(process.database.submission(submission)).containsEntry("copy", "done");
        assertFiledOnce();
        assertThat(submissions.delivered()).hasSize(1);
    }

    @Test
    void a_permanent_refusal_is_rejected_with_the_servers_text_and_leaves_no_draft() {
        submissions.refuse(
                error -> error.put("type", "forbiddenToSend").put("description", "your quota for today is used up"));
        SubmissionId submission = submission("ann@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "rejected")
                .containsEntry("error", "forbiddenToSend (your quota for today is used up)")
                .containsEntry("next_try_at", null);
        assertThat(submissions.delivered()).isEmpty();
        assertThat(in(FakeSubmissions.DRAFTS)).isZero();
    }

    @Test
    void invalid_recipients_are_listed_and_the_others_receive_the_message() {
        submissions.refuse(error -> error.put("type", "invalidRecipients")
                .put("description", "no such user")
                .putArray("invalidRecipients")
                .add("bad@example.com"));
        SubmissionId submission = submission("bad@example.com", "ann@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("refused", "{\"bad@example.com\": \"invalidRecipients (no such user)\"}");
        assertThat(submissions.delivered())
                .singleElement()
                .satisfies(delivered -> assertThat(delivered.recipients()).containsExactly("ann@example.com"));
    }

    @Test
    void nothing_is_sent_when_all_recipients_are_invalid() {
        submissions.refuse(error -> error.put("type", "invalidRecipients")
                .putArray("invalidRecipients")
                .add("bad@example.com"));
        SubmissionId submission = submission("bad@example.com");

        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("rejected");
        assertThat(submissions.delivered()).isEmpty();
    }

    @Test
    void a_recipient_whose_delivery_failed_is_listed() {
        submissions.bounce("bad@example.com", "550 5.1.1 no such user");
        SubmissionId submission = submission("bad@example.com", "ann@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("refused", "{\"bad@example.com\": \"550 5.1.1 no such user\"}");
    }

    @Test
    void without_an_identity_for_the_sender_the_error_lists_the_allowed_senders() {
        submissions.identity("i", "robert@example.com");
        SubmissionId submission = submission("ann@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "rejected")
                .containsEntry("error", "the server lets this login send as robert@example.com, not as " + BOB);
        assertThat(in(FakeSubmissions.DRAFTS)).isZero();
    }

    @Test
    void an_identity_for_a_whole_domain_serves_every_sender_of_it() {
        submissions.identity("i", "*@Example.com");
        SubmissionId submission = submission("ann@example.com");

        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
    }

    @Test
    void without_jmap_submission_and_smtp_the_error_says_so() {
        server.session(
                session -> ((ObjectNode) session.path("capabilities")).remove("urn:ietf:params:jmap:submission"));
        SubmissionId submission = submission("ann@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "rejected")
                .containsEntry(
                        "error",
                        "the account's server does not offer to send messages over JMAP, and the account has no SMTP server");
    }

    @Test
    void a_temporary_refusal_is_tried_again_with_the_same_draft() {
        submissions.insteadOfSending(request -> request.response()
                .setStatusCode(429)
                .putHeader("Retry-After", "7")
                .end());
        submissions.insteadOfSending(
                request -> request.response()
                        .putHeader("Content-Type", "application/json")
                        .end(
                                "{\"sessionState\": \"session-1\", \"methodResponses\": [[\"error\", {\"type\": \"serverUnavailable\"}, \"c0\"]]}"));
        SubmissionId submission = submission("ann@example.com");

        for (int i = 0; i < 2; i++) {
            processes.flush(account);
            assertThat(process.database.submission(submission))
                    .containsEntry("state", "queued")
                    .containsEntry("transmitting", false);
            processes.makeDue();
        }
        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("attempts", 1);
        assertThat(calls("Email/import")).isEqualTo(1);
        assertThat(submissions.delivered()).hasSize(1);
    }

    @Test
    void an_answer_without_an_outcome_leaves_the_message_in_doubt() {
        submissions.insteadOfSending(request -> request.response()
                .putHeader("Content-Type", "application/json")
                .end("{\"sessionState\": \"session-1\", \"methodResponses\": []}"));
        SubmissionId submission = submission("ann@example.com");

        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("in-doubt");
    }

    @Test
    void a_connection_lost_before_the_answer_leaves_the_message_in_doubt_until_it_is_found_in_sent() {
        submissions.cut();
        SubmissionId submission = submission("ann@example.com");
        processes.flush(account);
        assertThat(processes.state(submission)).isEqualTo("in-doubt");

        processes.makeDue();
        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(submissions.delivered()).hasSize(1);
        assertFiledOnce();
    }

    @Test
    void an_email_submission_shows_that_a_draft_was_sent() {
        submissions.fileNothing();
        submissions.cut();
        SubmissionId submission = submission("ann@example.com");
        processes.flush(account);

        processes.makeDue();
        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(submissions.delivered()).hasSize(1);
        assertFiledOnce();
    }

    @Test
    void a_message_without_any_evidence_stays_in_doubt_and_is_never_sent_again() {
        submissions.fileNothing();
        submissions.reportNothing();
        submissions.cut();
        SubmissionId submission = submission("ann@example.com");

        for (int i = 0; i < 10; i++) {
            processes.flush(account);
            processes.makeDue();
        }

        assertThat(process.database.submission(submission))
                .containsEntry("state", "in-doubt")
                .containsEntry("next_try_at", null);
        assertThat(submissions.delivered()).hasSize(1);
        assertThat(calls("EmailSubmission/set")).isEqualTo(1);
    }

    @Test
    void a_process_that_ends_after_the_import_leaves_a_draft_that_is_not_imported_again() {
        SubmissionId submission = submission("ann@example.com");

        processes.halted(account, inner -> new SubmissionProcesses.SubmissionServerProxy(inner) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                return super.submit(sent, () -> {
                    throw new SubmissionProcesses.Halt();
                });
            }
        });
        assertThat(in(FakeSubmissions.DRAFTS)).isEqualTo(1);
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(calls("Email/import")).isEqualTo(1);
        assertThat(submissions.delivered()).hasSize(1);
        assertFiledOnce();
    }

    @Test
    void a_process_that_ends_before_it_stores_the_answer_leaves_a_filed_message_that_the_next_one_finds() {
        SubmissionId submission = submission("ann@example.com");

        processes.halted(account, inner -> new SubmissionProcesses.SubmissionServerProxy(inner) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                super.submit(sent, beforeTransmission);
                throw new SubmissionProcesses.Halt();
            }
        });
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(submissions.delivered()).hasSize(1);
    }

    @Test
    void a_process_that_ends_during_the_transmission_leaves_the_message_in_doubt() {
        SubmissionId submission = submission("ann@example.com");

        processes.halted(account, inner -> new SubmissionProcesses.SubmissionServerProxy(inner) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                return super.submit(sent, () -> {
                    beforeTransmission.run();
                    throw new SubmissionProcesses.Halt();
                });
            }
        });
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("in-doubt");
        assertThat(submissions.delivered()).isEmpty();
    }

    @Test
    void without_jmap_submission_a_message_is_sent_by_smtp_and_copied_over_jmap_once() throws IOException {
        try (FakeJmapServer reading = FakeJmapServer.start(process.vertx());
                ScriptedSmtpServer smtp = new ScriptedSmtpServer()) {
            reading.addMailbox(FakeSubmissions.SENT, "Sent", "sent");
            Account both = account(
                    new AccountSettings.Jmap(
                            BOB, reading.sessionUrl(), Optional.empty(), List.of(), Optional.of(smtp.address())),
                    FakeJmapServer.PASSWORD);
            SubmissionId submission = process.database.submission(both, BOB, MESSAGE_ID, "ann@example.com");

            // When: the process ends after the copy is made, and another one makes it again
            processes.flush(both);
            assertThat(process.database.submission(submission))
                    .containsEntry("state", "sent")
                    .containsEntry("copy", "due");
            processes.makeDue();
            processes.halted(both, inner -> new SubmissionProcesses.SubmissionServerProxy(inner) {
                @Override
                public void copyToSent(Submission sent, Runnable beforeFiling) {
                    super.copyToSent(sent, beforeFiling);
                    throw new SubmissionProcesses.Halt();
                }
            });
            processes.takeOver(both);

            // Then
            assertThat(process.database.submission(submission))
                    .containsEntry("state", "sent")
                    .containsEntry("copy", "done")
                    .containsEntry("next_try_at", null);
            assertThat(smtp.delivered()).singleElement().satisfies(delivered -> {
                assertThat(delivered.mailFrom()).isEqualTo(BOB);
                assertThat(delivered.recipients()).containsExactly("ann@example.com");
            });
            assertThat(reading.emails()).singleElement().satisfies(copy -> {
                assertThat(copy.path("mailboxIds").has(FakeSubmissions.SENT)).isTrue();
                assertThat(copy.path("keywords").has("$draft")).isFalse();
            });

            // When the connection is lost before the answer
            smtp.answer(ScriptedSmtpServer.END_OF_DATA, ScriptedSmtpServer.CUT);
            SubmissionId doubtful = process.database.submission(both, BOB, "m2@postbus.example", "ann@example.com");
            processes.flush(both);

            // Then Sent is searched over JMAP, and the message is not sent again.
            for (int check = 0; check < 5; check++) {
                processes.makeDue();
                processes.flush(both);
            }
            assertThat(processes.state(doubtful)).isEqualTo("in-doubt");
            assertThat(smtp.commands())
                    .filteredOn(ScriptedSmtpServer.END_OF_DATA::equals)
                    .hasSizeLessThanOrEqualTo(2);
            assertThat(reading.complaints()).isEmpty();
        }
    }

    @Test
    void a_server_that_offers_submission_is_used_even_if_the_account_has_an_smtp_server() throws IOException {
        try (ScriptedSmtpServer smtp = new ScriptedSmtpServer()) {
            Account both = account(
                    new AccountSettings.Jmap(
                            BOB, server.sessionUrl(), Optional.empty(), List.of(), Optional.of(smtp.address())),
                    FakeJmapServer.PASSWORD);
            SubmissionId submission = process.database.submission(both, BOB, MESSAGE_ID, "ann@example.com");

            processes.flush(both);

            assertThat(processes.state(submission)).isEqualTo("sent");
            assertThat(submissions.delivered()).hasSize(1);
            assertThat(smtp.commands()).isEmpty();
        }
    }

    private SubmissionId submission(String... recipients) {
        return process.database.submission(account, BOB, MESSAGE_ID, recipients);
    }

    private static Account account(String user, URI sessionUrl, String password) {
        return account(new AccountSettings.Jmap(user, sessionUrl), password);
    }

    private static Account account(AccountSettings.Jmap settings, String password) {
        Account account = process.database.account(settings);
        process.password(account, new Secret(password));
        return account;
    }

    private void assertFiledOnce() {
        assertThat(List.of(in(FakeSubmissions.SENT), in(FakeSubmissions.DRAFTS)))
                .containsExactly(1L, 0L);
        assertThat(server.emails())
                .allSatisfy(email ->
                        assertThat(email.path("keywords").has("$draft")).isFalse());
    }

    private long in(String mailboxId) {
        return server.emails().stream()
                .filter(email -> email.path("mailboxIds").has(mailboxId))
                .count();
    }

    private long calls(String method) {
        return server.requests().stream()
                .flatMap(request ->
                        StreamSupport.stream(request.path("methodCalls").spliterator(), false))
                .filter(call -> call.path(0).asText().equals(method))
                .count();
    }

    private static String newUser(James james, String name) {
        var user = James.User.of(name, "secret");
        james.addUser(user);
        return user.address();
    }

    private static RawImap raw(James james, String address) {
        return RawImap.login(James.HOST, james.ports().imap(), address, "secret");
    }

    private static int in(James james, String address, String mailbox) {
        try (RawImap raw = raw(james, address)) {
            return raw.select(mailbox).exists() == 0
                    ? 0
                    : (int) raw.fetchAll().stream()
                            .filter(message -> message.messageId().toString().contains(MESSAGE_ID))
                            .count();
        }
    }
}
