package org.postbus.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.imap.QuirkyImapServer;

/** What loops do when the database fails for all of them, and when one of them dies. */
class InfrastructureTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    /** So long that a backoff of each loop by itself would go on for a minute. */
    private static final Duration OUTAGE = Duration.ofSeconds(30);

    private static final int ACCOUNTS = 8;

    private QuirkyImapServer server;
    private FetcherUnderTest fetcher;

    @BeforeEach
    void start() {
        server = new QuirkyImapServer("UNSELECT", "LIST-EXTENDED", "LIST-STATUS");
        server.inbox().add("first");
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofSeconds(1));
    }

    @AfterEach
    void stop() throws Exception {
        fetcher.close();
        server.close();
    }

    @Test
    void new_mail_is_stored_soon_after_the_database_is_back() throws Exception {
        List<TestAccount> accounts =
                IntStream.range(0, ACCOUNTS).mapToObj(i -> account()).toList();
        accounts.forEach(fetcher::start);
        await().atMost(SOON).until(() -> accounts.stream().allMatch(account -> emails(account) == 1));

        admin("alter role postbus_fetcher nologin");
        long back;
        try {
            admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbus_fetcher'");
            server.inbox().add("meanwhile");
            Thread.sleep(OUTAGE);
            assertThat(accounts).allMatch(account -> emails(account) == 1);
            assertThat(fetcher.waitsFor()).isPresent();
        } finally {
            admin("alter role postbus_fetcher login");
            back = System.nanoTime();
        }

        await().atMost(SOON).until(() -> accounts.stream().allMatch(account -> emails(account) == 2));
        double seconds = Duration.ofNanos(System.nanoTime() - back).toMillis() / 1000.0;
        System.out.printf("new mail of %d accounts is stored %.1f s after the database is back%n", ACCOUNTS, seconds);
        assertThat(seconds).isLessThan(10);
        assertThat(fetcher.waitsFor()).isEmpty();
        fetcher.writer.assertNoBreach();
    }

    @Test
    void a_loop_that_dies_is_started_again_and_the_others_go_on() {
        TestAccount sound = account();
        fetcher.start(sound);
        await().atMost(SOON).until(() -> emails(sound) == 1);
        fetcher.stop(sound);
        fetcher.writer.dieOnNext(2);
        TestAccount dying = account();
        fetcher.start(dying);
        await().atMost(SOON).until(() -> fetcher.loopsDied() == 2);
        fetcher.start(sound);
        server.inbox().add("later");

        await().atMost(SOON).until(() -> emails(dying) == 2 && emails(sound) == 2);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void an_account_that_cannot_be_claimed_delays_no_other_and_goes_on_when_it_is_repaired() {
        TestAccount broken = account();
        TestAccount sound = account();
        String settings = broken.read("select settings::text from account where account_id = ?");
        broken.update(
                "update account set settings = '{\"type\": \"none\"}' where account_id = ?",
                broken.accountId().value());
        fetcher.start(broken);
        fetcher.start(sound);

        await().atMost(SOON).until(() -> emails(sound) == 1 && fetcher.loopsDied() >= 2);
        assertThat(fetcher.waitsFor()).isEmpty();
        broken.update(
                "update account set settings = ?::jsonb where account_id = ?",
                settings,
                broken.accountId().value());

        await().atMost(SOON).until(() -> emails(broken) == 1);
        fetcher.writer.assertNoBreach();
    }

    private TestAccount account() {
        return fetcher.account(
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", server.port(), TlsMode.NONE), Optional.empty()),
                "secret");
    }

    private static int emails(TestAccount account) {
        return Integer.parseInt(account.read("select count(*) from email where account_id = ?"));
    }

    private void admin(String sql) throws SQLException {
        try (Connection connection = fetcher.database.connectAsAdmin();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
