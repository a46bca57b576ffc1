package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDatabase.Row;
import org.postbus.outbound.queue.AccountFlushes;
import org.postbus.outbound.queue.DueSweeper;
import org.postbus.outbound.queue.FlushPermits;
import org.postbus.outbound.table.PendingChangesTable;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.SyncRequest;

/** The states of a mutation in {@code pending_changes}, with servers that fail as scripted. */
class FlushStatesTest {
    private static final String SEEN = "{\"keywords\": {\"$seen\": true}}";
    private static final Duration WAIT = Duration.ofSeconds(60);

    private OutboundProcess process;

    @BeforeEach
    void open() {
        process = new OutboundProcess();
    }

    @AfterEach
    void close() throws SQLException {
        process.close();
    }

    @Test
    void an_unreachable_server_uses_up_no_attempts_and_the_waits_grow() {
        Account account = account(new ServerAddress("127.0.0.1", 1, TlsMode.NONE));
        EmailId email = email(account);
        MutationId mutation = process.database.mutation(account, email, SEEN);
        MutationId behind = process.database.mutation(account, email, "{\"keywords\": {\"$flagged\": true}}");
        double waited = 0;

        for (int failures = 1; failures <= 20; failures++) {
            process.flush(account);
            Map<String, Object> hold =
                    process.database.hold(account, "mutations").orElseThrow();
            assertThat(hold).containsEntry("failures", failures).containsEntry("reason", "unreachable");
            assertThat((Double) hold.get("wait")).isGreaterThan(waited * 0.9);
            waited = (Double) hold.get("wait");
            assertThat(process.flusher.flush(account.tenant(), account.id()))
                    .as("nothing is due yet")
                    .isFalse();
            process.database.makeDue();
        }

        assertThat(waited).isBetween(290.0, 300.0);
        assertThat(process.database.row(mutation).state()).isEqualTo("queued");
        assertThat(process.database.row(mutation).attempts()).isZero();
        assertThat(process.database.row(behind).attempts()).isZero();
        assertThat(process.syncRequests)
                .as("the server did not answer, so its state has not changed")
                .isEmpty();
        assertThat(process.count("failed")).isZero();
    }

    @Test
    void after_three_days_a_mutation_has_failed_and_the_error_says_why() {
        Account account = account(new ServerAddress("127.0.0.1", 1, TlsMode.NONE));
        EmailId email = email(account);
        MutationId mutation = process.database.mutation(account, email, SEEN);
        MutationId behind = process.database.mutation(account, email, SEEN);
        process.flush(account);
        assertThat(process.database.state(mutation)).isEqualTo("queued");
        process.database.age(account, Duration.ofDays(3));
        MutationId young = process.database.mutation(account, email, SEEN);

        process.database.makeDue();
        process.flush(account);

        assertThat(process.database.row(mutation).state()).isEqualTo("failed");
        assertThat(process.database.row(mutation).error()).endsWith("(given up after 3 days)");
        assertThat(process.database.row(behind).state()).isEqualTo("failed");
        assertThat(process.database.row(young).state()).isEqualTo("queued");
        assertThat(process.database.changes(account))
                .hasSize(2)
                .allSatisfy(change -> assertThat(change).isInstanceOf(ChangeEvent.MutationFailed.class));
    }

    /** The hold is in the database: another process, or this one after a restart, waits too. */
    @Test
    void a_hold_outlives_the_process_and_ends_when_the_server_answers() {
        try (ScriptedImapServer server = playing("flag")) {
            Account account = account(new ServerAddress("127.0.0.1", 1, TlsMode.NONE));
            MutationId mutation = process.database.mutation(account, email(account), SEEN);
            process.flush(account);

            assertThat(process.mutationFlusher("restarted").flush(account.tenant(), account.id()))
                    .as("it waits")
                    .isFalse();

            process.database.run(
                    "update account set settings = ?::jsonb where account_id = ?",
                    EventCodec.encodeToString(new AccountSettings.Imap("alice", server.address(), Optional.empty())),
                    account.id().value());
            process.database.makeDue();
            process.flush(account);

            assertThat(process.database.row(mutation)).isEqualTo(new Row("applied", 1, null));
            assertThat(process.database.hold(account, "mutations")).isEmpty();
            process.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void a_command_that_the_server_ends_the_connection_for_does_not_stop_the_others() {
        try (ScriptedImapServer server = playing("flag-then-cut", "flag-of-another")) {
            Account account = account(server.address());
            MailboxId inbox = process.database.mailbox(account, "name:INBOX", "INBOX");
            EmailId poison = process.database.email(account, null, "m@example.com");
            process.database.link(account, poison, inbox, 70, 11);
            MutationId cut = process.database.mutation(account, poison, SEEN);
            process.flush(account);
            assertThat(process.database.row(cut).state()).isEqualTo("queued");
            assertThat(process.database.row(cut).attempts()).isZero();
            EmailId other = process.database.email(account, null, "n@example.com");
            process.database.link(account, other, inbox, 70, 12);
            MutationId fine = process.database.mutation(account, other, SEEN);

            process.database.run("update outbound_hold set next_try_at = now()");
            process.flush(account);

            assertThat(process.database.state(fine)).isEqualTo("applied");
            assertThat(process.database.state(cut)).isEqualTo("queued");
            process.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void a_message_that_was_expunged_elsewhere_is_not_found_but_only_on_fresh_state() {
        String[] transcripts = {"expunged", "expunged", "expunged"};
        try (ScriptedImapServer server = playing(transcripts)) {
            Account account = account(server.address());
            MutationId mutation = process.database.mutation(account, email(account), SEEN);

            for (int attempt = 1; attempt <= transcripts.length; attempt++) {
                process.flush(account);
                process.servers.close();
                for (int i = 0; i < 5; i++) {
                    process.database.makeDue();
                    process.flush(account);
                }
                assertThat(process.database.row(mutation).attempts())
                        .as("without a pass it is not tried")
                        .isEqualTo(attempt);
                process.database.passEnds(account);
            }

            assertThat(process.database.row(mutation).state()).isEqualTo("rejected");
            assertThat(process.database.row(mutation).error()).startsWith("notFound");
            server.assertPlayed();
        }
    }

    @Test
    void a_claim_of_a_crashed_process_is_taken_over_by_another() {
        try (ScriptedImapServer server = playing("flag")) {
            Account account = account(server.address());
            MutationId mutation = process.database.mutation(account, email(account), SEEN);
            process.transactions()
                    .run(
                            account.tenant(),
                            connection -> new PendingChangesTable("crashed").claim(connection, account.id()));

            process.flush(account);
            assertThat(process.database.state(mutation)).isEqualTo("sending");

            process.database.run("update pending_changes set claimed_until = now() - interval '1 second'");
            process.flush(account);

            assertThat(process.database.row(mutation)).isEqualTo(new Row("applied", 2, null));
            process.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void a_mutation_whose_process_crashes_in_every_attempt_fails() {
        try (ScriptedImapServer server = playing()) {
            Account account = account(server.address());
            MutationId mutation = process.database.mutation(account, email(account), SEEN);
            process.database.run(
                    "update pending_changes set state = 'sending', attempts = 5, interruptions = 4, claimed_by = 'crashed',"
                            + " claimed_until = now() - interval '1 second'");

            process.flush(account);

            assertThat(process.database.state(mutation)).isEqualTo("failed");
            server.assertPlayed();
        }
    }

    @Test
    void a_broken_idle_connection_does_not_count_as_an_attempt() {
        try (ScriptedImapServer server = playing("flag-then-gone", "flag")) {
            Account account = account(server.address());
            EmailId email = email(account);
            process.database.mutation(account, email, SEEN);
            process.flush(account);
            assertThat(process.servers.idle()).isOne();
            MutationId second = process.database.mutation(account, email, SEEN);

            process.flush(account);

            assertThat(process.database.row(second)).isEqualTo(new Row("applied", 1, null));
            process.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void an_invalid_patch_is_rejected_without_a_command() {
        try (ScriptedImapServer server = playing()) {
            Account account = account(server.address());
            MutationId mutation = process.database.mutation(account, email(account), "{\"keywords\": {\"a\": 5}}");

            process.flush(account);

            assertThat(process.database.row(mutation))
                    .isEqualTo(new Row("rejected", 1, "invalidPatch: keywords/a must be true or null"));
            server.assertPlayed();
        }
    }

    @Test
    void ten_hanging_accounts_do_not_delay_another_with_three_permits_and_the_sweeper_needs_no_notification()
            throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                ScriptedImapServer server = playing("flag")) {
            var flushes = new AccountFlushes(process.flusher, new FlushPermits(3, Duration.ofMillis(50), waited -> {}));
            List<MutationId> hanging = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Account blocked = account(new ServerAddress("127.0.0.1", silent.getLocalPort(), TlsMode.NONE));
                hanging.add(process.database.mutation(blocked, email(blocked), SEEN));
                flushes.notify(new MutationNotification(blocked.tenant(), blocked.id()));
            }
            await().atMost(WAIT)
                    .untilAsserted(() -> assertThat(hanging)
                            .extracting(process.database::state)
                            .containsOnly("sending"));
            Account responsive = account(server.address());
            MutationId quick = process.database.mutation(responsive, email(responsive), SEEN);
            var sweeper = new DueSweeper(process.transactions(), flushes, DueSweeper.MUTATIONS, Duration.ofMillis(100));

            sweeper.start();

            await().atMost(WAIT).until(() -> process.database.state(quick).equals("applied"));
            assertThat(hanging).extracting(process.database::state).containsOnly("sending");
            sweeper.close();
            silent.close();
            process.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void an_applied_mutation_is_stamped_with_the_pass_that_began_while_the_command_was_under_way() {
        try (FakeJmapServer server = FakeJmapServer.start(process.vertx())) {
            server.addEmail("e1", "inbox-id", "2026-01-02T03:04:05Z", "s", "t");
            Account account =
                    process.database.account(new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()));
            process.password(account, new Secret(FakeJmapServer.PASSWORD));
            MailboxId inbox = process.database.mailbox(account, "id:inbox-id", null);
            EmailId email = process.database.email(account, "jmap:e1", null);
            process.database.link(account, email, inbox, 0, 0);
            process.database.beginPass(account, 7);
            MutationId mutation = process.database.mutation(account, email, SEEN);
            server.next(
                    "/api/",
                    request -> process.vertx().executeBlocking(() -> {
                        // The server has executed the command when its answer is on the way.
                        process.database.beginPass(account, 8);
                        return request.response()
                                .putHeader("Content-Type", "application/json")
                                .end(
                                        "{\"methodResponses\": [[\"Email/set\", {\"accountId\": \"A1\", \"newState\": \"2\","
                                                + " \"updated\": {\"e1\": null}}, \"c0\"]], \"sessionState\": \"session-1\"}");
                    }));

            process.flush(account);

            assertThat(process.database.row(mutation)).isEqualTo(new Row("applied", 1, null));
            assertThat(process.database.appliedPass(mutation)).isEqualTo(8);
        }
    }

    @Test
    void a_mutation_is_stamped_when_it_is_applied_and_not_when_it_is_deferred() {
        Account account = account(new ServerAddress("127.0.0.1", 1, TlsMode.NONE));
        process.database.beginPass(account, 3);
        MutationId mutation = process.database.mutation(account, email(account), SEEN);
        process.flush(account);
        assertThat(process.database.state(mutation)).isEqualTo("queued");
        assertThat(process.database.appliedPass(mutation)).isNull();

        try (ScriptedImapServer server = playing("flag")) {
            process.database.run(
                    "update account set settings = ?::jsonb where account_id = ?",
                    EventCodec.encodeToString(new AccountSettings.Imap("alice", server.address(), Optional.empty())),
                    account.id().value());
            process.database.beginPass(account, 4);
            process.database.makeDue();
            process.flush(account);
            process.servers.close();
            server.assertPlayed();
        }

        assertThat(process.database.state(mutation)).isEqualTo("applied");
        assertThat(process.database.appliedPass(mutation)).isEqualTo(4);
    }

    @Test
    void a_flush_does_not_wait_for_the_account_row() throws SQLException {
        try (ScriptedImapServer server = playing("flag");
                Connection other = process.database.connectAsAdmin()) {
            Account account = account(server.address());
            MutationId mutation = process.database.mutation(account, email(account), SEEN);
            other.setAutoCommit(false);
            other.createStatement().execute("select from account for update");

            process.flush(account);

            assertThat(process.database.state(mutation)).isEqualTo("applied");
            assertThat(process.database.appliedPass(mutation))
                    .as("no pass has begun")
                    .isZero();
            await().atMost(WAIT)
                    .untilAsserted(() -> assertThat(process.syncRequests)
                            .containsExactly(new SyncRequest(account.tenant(), account.id())));
            other.rollback();
            process.servers.close();
            server.assertPlayed();
        }
    }

    private static ScriptedImapServer playing(String... transcripts) {
        Transcript[] read = new Transcript[transcripts.length];
        for (int i = 0; i < read.length; i++) {
            read[i] = Transcript.read("outbound/" + transcripts[i] + ".txt");
        }
        return ScriptedImapServer.playing(read);
    }

    private Account account(ServerAddress address) {
        Account account = process.database.account(new AccountSettings.Imap("alice", address, Optional.empty()));
        process.password(account, new Secret("secret"));
        return account;
    }

    private EmailId email(Account account) {
        EmailId email = process.database.email(account, null, "m@example.com");
        process.database.link(account, email, process.database.mailbox(account, "name:INBOX", "INBOX"), 70, 11);
        return email;
    }
}
