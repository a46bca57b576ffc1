package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.SubmissionFailed;
import org.postbus.change.ChangeEvent.SubmissionInDoubt;
import org.postbus.change.ChangeEvent.SubmissionRejected;
import org.postbus.change.ChangeEvent.SubmissionSent;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.mail.smtp.ScriptedSmtpServer;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.submission.Submission;
import org.postbus.topic.SyncRequest;

/** Sends by SMTP: to a real server, and to one that answers as scripted. A real IMAP server holds the copies. */
class SmtpSubmissionFlushTest {
    private static final AtomicInteger USERS = new AtomicInteger();
    private static final String PASSWORD = "secret-of-the-test";
    private static final Duration WAIT = Duration.ofSeconds(60);

    private static James james;
    private static OutboundProcess process;
    private static SubmissionProcesses processes;
    private ScriptedSmtpServer scripted;
    private String user;
    private String messageId;

    @BeforeAll
    static void start() {
        james = DevStack.james();
        process = new OutboundProcess();
        processes = new SubmissionProcesses(process);
    }

    @AfterAll
    static void stop() throws SQLException {
        process.close();
    }

    @BeforeEach
    void open() {
        scripted = new ScriptedSmtpServer();
        user = newUser();
        messageId = "m" + USERS.get() + "@postbus.example";
    }

    @AfterEach
    void close() throws IOException {
        scripted.close();
    }

    @Test
    void a_message_arrives_once_and_one_copy_is_filed_in_sent() {
        String recipient = newUser();
        Account account = account(james());
        SubmissionId submission = process.database.submission(account, user, messageId, recipient);

        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        await().atMost(WAIT)
                .untilAsserted(() -> assertThat(in(recipient, "INBOX")).isEqualTo(1));
        assertThat(in(user, "Sent")).isZero();

        processes.makeDue();
        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("copy", "done")
                .containsEntry("message", null)
                .containsEntry("next_try_at", null);
        assertThat(in(user, "Sent")).isEqualTo(1);
        assertThat(in(recipient, "INBOX")).isEqualTo(1);
        SyncRequest request = new SyncRequest(account.tenant(), account.id());
        await().atMost(WAIT)
                .untilAsserted(() -> assertThat(process.syncRequests)
                        .filteredOn(request::equals)
                        .hasSize(2));
        assertThat(process.database.changes(account)).containsExactly(new SubmissionSent(submission, List.of()));
    }

    @Test
    void an_existing_copy_is_not_filed_again() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        processes.flush(account);
        appendToSent();

        processes.makeDue();
        processes.flush(account);

        assertThat(process.database.submission(submission)).containsEntry("copy", "done");
        assertThat(in(user, "Sent")).isEqualTo(1);
    }

    @Test
    void a_process_that_ends_after_filing_the_copy_does_not_cause_a_second_one() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        processes.flush(account);
        processes.makeDue();

        processes.halted(account, server -> new SubmissionProcesses.SubmissionServerProxy(server) {
            @Override
            public void copyToSent(Submission copied, Runnable beforeFiling) {
                super.copyToSent(copied, beforeFiling);
                throw new SubmissionProcesses.Halt();
            }
        });
        processes.takeOver(account);

        assertThat(process.database.submission(submission)).containsEntry("copy", "done");
        assertThat(in(user, "Sent")).isEqualTo(1);
    }

    /** It is frozen between its search of Sent and the APPEND, for longer than its claim. */
    @Test
    void a_process_that_was_frozen_before_it_files_the_copy_files_no_second_one() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        processes.flush(account);
        processes.makeDue();

        process.submissionFlusher("frozen", server -> new SubmissionProcesses.SubmissionServerProxy(server) {
                    @Override
                    public void copyToSent(Submission copied, Runnable beforeFiling) {
                        super.copyToSent(copied, () -> {
                            processes.takeOver(account);
                            beforeFiling.run();
                        });
                    }
                })
                .flush(account.tenant(), account.id());

        assertThat(process.database.submission(submission)).containsEntry("copy", "done");
        assertThat(in(user, "Sent")).isEqualTo(1);
    }

    @Test
    void the_answered_email_gets_its_keyword_by_a_mutation() {
        Account account = account(scripted.address());
        EmailId parent = process.database.email(account, null, "parent@example.com");
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        process.database.run(
                "update submission set parent_id = ?, parent_keyword = '$answered' where submission_id = ?",
                parent.value(),
                submission.value());

        processes.flush(account);

        assertThat(process.database.rows(
                        "select kind, patch::text as patch, state from pending_changes where email_id = ?",
                        parent.value()))
                .singleElement()
                .satisfies(mutation -> assertThat(mutation)
                        .containsEntry("patch", "{\"keywords\": {\"$answered\": true}}")
                        .containsEntry("state", "queued"));
    }

    @Test
    void a_permanent_refusal_is_rejected_with_the_servers_text() {
        scripted.answer(ScriptedSmtpServer.END_OF_DATA, "554 5.7.1 looks like spam");
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "rejected")
                .containsEntry("error", "554 5.7.1 looks like spam")
                .containsEntry("transmitting", false)
                .containsEntry("next_try_at", null);
        assertThat(process.database.changes(account))
                .containsExactly(new SubmissionRejected(submission, "554 5.7.1 looks like spam"));
    }

    @Test
    void a_temporary_refusal_is_retried_for_four_days_with_growing_waits() {
        scripted.answer("RCPT", "451 4.7.1 come back later");
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        double waited = 0;
        for (int attempt = 1; attempt <= 10; attempt++) {
            processes.flush(account);
            assertThat(process.database.submission(submission))
                    .containsEntry("state", "queued")
                    .containsEntry("attempts", attempt)
                    .containsEntry("transmitting", false)
                    .containsEntry("error", "451 4.7.1 come back later");
            double wait = secondsToNextTry(submission);
            assertThat(wait).isGreaterThanOrEqualTo(waited * 0.9);
            waited = wait;
            processes.makeDue();
        }
        assertThat(waited).isBetween(3_500.0, 3_600.0);

        process.database.age(account, Duration.ofDays(4));
        processes.makeDue();
        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "failed")
                .containsEntry("attempts", 11)
                .containsEntry("error", "451 4.7.1 come back later (after 11 tries)");
        assertThat(process.database.changes(account))
                .singleElement()
                .satisfies(change -> assertThat(change).isInstanceOf(SubmissionFailed.class));
        assertThat(scripted.delivered()).isEmpty();
    }

    @Test
    void a_message_that_was_refused_temporarily_is_sent_when_the_server_accepts_it() {
        scripted.answer("RCPT", "451 4.7.1 come back later");
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        for (int attempt = 1; attempt <= 8; attempt++) {
            processes.flush(account);
            processes.makeDue();
        }

        scripted.answerAsUsual();
        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(scripted.delivered()).hasSize(1);
    }

    private static double secondsToNextTry(SubmissionId submission) {
        return (Double) process.database
                .rows(
                        "select extract(epoch from next_try_at - now())::float8 as wait from submission where submission_id = ?",
                        submission.value())
                .getFirst()
                .get("wait");
    }

    @Test
    void a_message_that_waits_for_its_next_attempt_does_not_delay_others() {
        scripted.answer("RCPT TO:<slow@", "451 4.7.1 come back later");
        Account account = account(scripted.address());
        process.database.submission(account, user, messageId, "slow@example.com");
        SubmissionId other = process.database.submission(account, user, "other-" + messageId, "bob@example.com");

        processes.flush(account);

        assertThat(processes.state(other)).isEqualTo("sent");
    }

    @Test
    void a_refused_login_waits_for_a_new_password_without_counting_as_an_attempt() {
        scripted.answer("AUTH", "535 5.7.8 bad credentials");
        Account account = account(scripted.address());
        SubmissionId first = process.database.submission(account, user, messageId, "bob@example.com");
        SubmissionId second = process.database.submission(account, user, "second-" + messageId, "bob@example.com");

        processes.flush(account);

        assertThat(process.database.submission(first))
                .containsEntry("state", "queued")
                .containsEntry("attempts", 0);
        assertThat(process.database.submission(second))
                .containsEntry("state", "queued")
                .containsEntry("attempts", 0);
        assertThat(scripted.commands())
                .filteredOn(line -> line.startsWith("AUTH PLAIN"))
                .hasSize(1);

        scripted.answerAsUsual();
        process.database.run(
                "update account set revision = revision + 1 where account_id = ?",
                account.id().value());
        processes.flush(account);

        assertThat(List.of(processes.state(first), processes.state(second))).containsExactly("sent", "sent");
        assertThat(process.database.hold(account, "submissions")).isEmpty();
        assertThat(scripted.delivered()).hasSize(2);
    }

    @Test
    void an_unreachable_server_holds_the_queue_and_counts_no_attempt() throws IOException {
        Account account = account(scripted.address());
        SubmissionId sent = process.database.submission(account, user, messageId, "bob@example.com");
        processes.flush(account);
        assertThat(processes.state(sent)).isEqualTo("sent");
        scripted.close();
        SubmissionId submission = process.database.submission(account, user, "second-" + messageId, "bob@example.com");
        SubmissionId behind = process.database.submission(account, user, "third-" + messageId, "bob@example.com");

        for (int failures = 1; failures <= 8; failures++) {
            processes.flush(account);
            assertThat(process.database.hold(account, "submissions").orElseThrow())
                    .containsEntry("failures", failures)
                    .containsEntry("reason", "unreachable");
            process.database.run("update outbound_hold set next_try_at = now()");
            process.database.run("update submission set next_try_at = now() where state = 'queued'");
        }
        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "queued")
                .containsEntry("transmitting", false)
                .containsEntry("attempts", 0);
        assertThat(process.database.submission(behind)).containsEntry("attempts", 0);

        // What was sent is filed meanwhile: Sent is on another server.
        process.database.run("update submission set next_try_at = now() where state = 'sent'");
        processes.flush(account);
        assertThat(process.database.submission(sent)).containsEntry("copy", "done");
    }

    @Test
    void refused_recipients_are_listed_and_the_others_receive_the_message() {
        scripted.answer("RCPT TO:<bad@", "550 5.1.1 no such user");
        Account account = account(scripted.address());
        SubmissionId submission =
                process.database.submission(account, user, messageId, "bad@example.com", "bob@example.com");

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("refused", "{\"bad@example.com\": \"550 5.1.1 no such user\"}");
        assertThat(scripted.delivered())
                .singleElement()
                .satisfies(delivered -> assertThat(delivered.recipients()).containsExactly("bob@example.com"));
        assertThat(process.database.changes(account))
                .containsExactly(new SubmissionSent(submission, List.of("bad@example.com")));
    }

    @Test
    void a_connection_lost_before_the_answer_leaves_the_message_in_doubt_and_it_is_never_sent_again() {
        scripted.answer(ScriptedSmtpServer.END_OF_DATA, ScriptedSmtpServer.CUT);
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        processes.flush(account);
        scripted.answerAsUsual();
        for (int i = 0; i < 10; i++) {
            processes.makeDue();
            processes.flush(account);
        }

        assertThat(process.database.submission(submission))
                .containsEntry("state", "in-doubt")
                .containsEntry("next_try_at", null)
                .extractingByKey("error")
                .asString()
                .contains("before the server's answer");
        assertThat(scripted.delivered()).hasSize(1);
    }

    @Test
    void a_message_in_doubt_becomes_sent_when_it_is_found_in_sent() {
        scripted.answer(ScriptedSmtpServer.END_OF_DATA, ScriptedSmtpServer.CUT);
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        processes.flush(account);
        appendToSent();

        processes.makeDue();
        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "sent")
                .containsEntry("error", null);
        assertThat(scripted.delivered()).hasSize(1);
        List<ChangeEvent.Change> changes = process.database.changes(account);
        assertThat(changes).hasSize(2).last().isEqualTo(new SubmissionSent(submission, List.of()));
        assertThat(changes).first().isInstanceOf(SubmissionInDoubt.class);
    }

    @Test
    void a_process_that_ends_before_the_transmission_leaves_the_message_to_be_sent() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        processes.halted(account, server -> new SubmissionProcesses.SubmissionServerProxy(server) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                throw new SubmissionProcesses.Halt();
            }
        });
        assertThat(processes.state(submission)).isEqualTo("sending");
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(scripted.delivered()).hasSize(1);
    }

    @Test
    void a_process_that_ends_during_the_transmission_leaves_the_message_in_doubt() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        processes.halted(account, server -> new SubmissionProcesses.SubmissionServerProxy(server) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                beforeTransmission.run();
                throw new SubmissionProcesses.Halt();
            }
        });
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("in-doubt");
        assertThat(scripted.delivered()).isEmpty();
    }

    @Test
    void a_process_that_ends_before_it_stores_the_answer_leaves_the_message_in_doubt_and_sent_once() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        processes.halted(account, server -> new SubmissionProcesses.SubmissionServerProxy(server) {
            @Override
            public Accepted submit(Submission sent, Runnable beforeTransmission) {
                super.submit(sent, beforeTransmission);
                throw new SubmissionProcesses.Halt();
            }
        });
        processes.takeOver(account);

        assertThat(processes.state(submission)).isEqualTo("in-doubt");
        assertThat(scripted.delivered()).hasSize(1);
    }

    @Test
    void a_process_that_lost_its_claim_sends_nothing_and_the_new_owner_sends_once() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");

        process.submissionFlusher("slow", server -> new SubmissionProcesses.SubmissionServerProxy(server) {
                    @Override
                    public Accepted submit(Submission sent, Runnable beforeTransmission) {
                        processes.takeOver(account);
                        return super.submit(sent, beforeTransmission);
                    }
                })
                .flush(account.tenant(), account.id());

        assertThat(processes.state(submission)).isEqualTo("sent");
        assertThat(scripted.delivered()).hasSize(1);
    }

    @Test
    void a_message_for_later_waits() {
        Account account = account(scripted.address());
        SubmissionId submission = process.database.submission(account, user, messageId, "bob@example.com");
        process.database.run(
                "update submission set send_at = now() + interval '1 hour', next_try_at = now() + interval '1 hour'"
                        + " where submission_id = ?",
                submission.value());

        processes.flush(account);

        assertThat(processes.state(submission)).isEqualTo("queued");
        assertThat(scripted.commands()).isEmpty();
    }

    @Test
    void an_untrusted_certificate_ends_the_attempt_before_anything_is_sent() {
        Account account = account(new ServerAddress(James.HOST, james.ports().smtp(), TlsMode.STARTTLS));
        SubmissionId submission = process.database.submission(account, user, messageId, user);

        processes.flush(account);

        assertThat(process.database.submission(submission))
                .containsEntry("state", "queued")
                .containsEntry("transmitting", false);
        assertThat(in(user, "INBOX")).isZero();
    }

    private static String newUser() {
        var newUser = James.User.of("sender" + USERS.incrementAndGet(), PASSWORD);
        james.addUser(newUser);
        return newUser.address();
    }

    private static ServerAddress james() {
        return new ServerAddress(James.HOST, james.ports().smtp(), TlsMode.NONE);
    }

    private Account account(ServerAddress smtp) {
        Account account = process.database.account(new AccountSettings.Imap(
                user, new ServerAddress(James.HOST, james.ports().imap(), TlsMode.NONE), Optional.of(smtp)));
        process.password(account, new Secret(PASSWORD));
        process.database.run(
                "update mailbox set role = 'sent' where mailbox_id = ?",
                process.database.mailbox(account, "name:Sent", "Sent").value());
        try (RawImap raw = raw(user)) {
            if (raw.list().stream().noneMatch(mailbox -> mailbox.name().equals("Sent"))) {
                raw.create("Sent");
            }
        }
        return account;
    }

    private void appendToSent() {
        try (RawImap raw = raw(user)) {
            raw.append(
                    "Sent",
                    List.of(),
                    Instant.now(),
                    ("Message-ID: <" + messageId + ">\r\nSubject: kept by the server\r\n\r\nHello.\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
        }
    }

    private int in(String address, String mailbox) {
        try (RawImap raw = raw(address)) {
            if (raw.select(mailbox).exists() == 0) {
                return 0;
            }
            return (int) raw.fetchAll().stream()
                    .filter(message -> message.messageId().toString().contains(messageId))
                    .count();
        }
    }

    private static RawImap raw(String address) {
        return RawImap.login(James.HOST, james.ports().imap(), address, PASSWORD);
    }
}
