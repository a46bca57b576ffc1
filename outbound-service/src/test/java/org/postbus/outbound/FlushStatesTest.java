package org.postbus.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.outbound.TestDatabase.Account;
import org.postbus.outbound.TestDatabase.Row;
import org.postbus.topic.MutationNotification;

/** The way of a wish through {@code pending_changes}, with servers that fail on cue. */
class FlushStatesTest {
    private static final String SEEN = "{\"keywords\": {\"$seen\": true}}";
    private static final Duration WAIT = Duration.ofSeconds(60);

    private OutboundSide side;

    @BeforeEach
    void open() {
        side = new OutboundSide();
    }

    @AfterEach
    void close() throws SQLException {
        side.close();
    }

    @Test
    void after_five_tries_it_failed_and_says_why() {
        Account account = account(new ServerAddress("127.0.0.1", 1, TlsMode.NONE));
        MutationId mutation = side.database.wish(account, email(account), SEEN);

        for (int attempt = 1; attempt < RetryRule.TRIES_MAX; attempt++) {
            side.flush(account);
            assertThat(side.database.row(mutation))
                    .satisfies(row -> assertThat(row.state()).isEqualTo("queued"));
            assertThat(side.database.row(mutation).attempts()).isEqualTo(attempt);
            assertThat(side.flusher.flush(account.tenant(), account.id()))
                    .as("it is not due yet")
                    .isFalse();
            side.database.hurry();
        }
        side.flush(account);

        Row row = side.database.row(mutation);
        assertThat(row.state()).isEqualTo("failed");
        assertThat(row.attempts()).isEqualTo(5);
        assertThat(row.error()).endsWith("(after 5 tries)");
        assertThat(side.database.wake(account))
                .as("the server said nothing, so there is nothing to look at")
                .isZero();
        assertThat(side.count("retried")).isEqualTo(4);
        assertThat(side.count("failed")).isOne();
        assertThat(side.database.changes(account))
                .singleElement()
                .isInstanceOfSatisfying(
                        ChangeEvent.MutationFailed.class,
                        failed -> assertThat(failed.mutationId()).isEqualTo(mutation));
    }

    @Test
    void what_a_crashed_process_had_claimed_is_done_by_another() {
        try (ScriptedImapServer server = playing("flag")) {
            Account account = account(server.address());
            MutationId mutation = side.database.wish(account, email(account), SEEN);
            side.transactions()
                    .run(
                            account.tenant(),
                            connection -> new PendingChangesTable("crashed").claim(connection, account.id()));

            side.flush(account);
            assertThat(side.database.state(mutation)).isEqualTo("sending");

            side.database.run("update pending_changes set claimed_until = now() - interval '1 second'");
            side.flush(account);

            assertThat(side.database.row(mutation)).isEqualTo(new Row("applied", 2, null));
            side.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void a_process_that_crashes_in_every_try_gives_up() {
        try (ScriptedImapServer server = playing()) {
            Account account = account(server.address());
            MutationId mutation = side.database.wish(account, email(account), SEEN);
            side.database.run("update pending_changes set state = 'sending', attempts = 5, claimed_by = 'crashed',"
                    + " claimed_until = now() - interval '1 second'");

            side.flush(account);

            assertThat(side.database.state(mutation)).isEqualTo("failed");
            server.assertPlayed();
        }
    }

    @Test
    void a_kept_connection_that_died_costs_no_try() {
        try (ScriptedImapServer server = playing("flag-then-gone", "flag")) {
            Account account = account(server.address());
            EmailId email = email(account);
            side.database.wish(account, email, SEEN);
            side.flush(account);
            assertThat(side.servers.idle()).isOne();
            MutationId second = side.database.wish(account, email, SEEN);

            side.flush(account);

            assertThat(side.database.row(second)).isEqualTo(new Row("applied", 1, null));
            side.servers.close();
            server.assertPlayed();
        }
    }

    @Test
    void a_patch_that_is_none_is_refused_without_asking_the_server() {
        try (ScriptedImapServer server = playing()) {
            Account account = account(server.address());
            MutationId mutation = side.database.wish(account, email(account), "{\"keywords\": {\"a\": 5}}");

            side.flush(account);

            assertThat(side.database.row(mutation))
                    .isEqualTo(new Row("rejected", 1, "invalidPatch: keywords/a must be true or null"));
            server.assertPlayed();
        }
    }

    @Test
    void ten_stuck_accounts_do_not_delay_another_where_there_are_three_places_and_the_sweeper_needs_no_bell()
            throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                ScriptedImapServer server = playing("flag")) {
            var flushes = new AccountFlushes(side.flusher, new Places(3, Duration.ofMillis(50)));
            List<MutationId> waiting = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Account stuck = account(new ServerAddress("127.0.0.1", silent.getLocalPort(), TlsMode.NONE));
                waiting.add(side.database.wish(stuck, email(stuck), SEEN));
                flushes.ring(new MutationNotification(stuck.tenant(), stuck.id()));
            }
            await().atMost(WAIT)
                    .untilAsserted(() ->
                            assertThat(waiting).extracting(side.database::state).containsOnly("sending"));
            Account lively = account(server.address());
            MutationId quick = side.database.wish(lively, email(lively), SEEN);
            var sweeper = new DueSweeper(
                    side.vertx(), side.transactions(), flushes, DueSweeper.MUTATIONS, Duration.ofMillis(100));

            sweeper.start();

            await().atMost(WAIT).until(() -> side.database.state(quick).equals("applied"));
            assertThat(waiting).extracting(side.database::state).containsOnly("sending");
            sweeper.close();
            silent.close();
            side.servers.close();
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
        Account account = side.database.account(new AccountSettings.Imap("alice", address, Optional.empty()));
        side.password(account, new Secret("secret"));
        return account;
    }

    private EmailId email(Account account) {
        EmailId email = side.database.email(account, null, "m@example.com");
        side.database.link(account, email, side.database.mailbox(account, "name:INBOX", "INBOX"), 70, 11);
        return email;
    }
}
