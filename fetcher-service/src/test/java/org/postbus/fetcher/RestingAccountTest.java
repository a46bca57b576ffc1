package org.postbus.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.mail.imap.fake.HostileImapServer;
import org.postbus.topic.AccountRecord.Status;

/** An account whose server exceeds limits again and again is left alone for a long time. */
class RestingAccountTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    /** In which a connection would be made if nothing prevented it. */
    private static final Duration A_WHILE = Duration.ofSeconds(3);

    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicBoolean reformed = new AtomicBoolean();
    private HostileImapServer server;
    private FetcherUnderTest fetcher;
    private TestAccount account;

    @BeforeEach
    void start() {
        server = HostileImapServer.that(victim -> {
            connections.incrementAndGet();
            if (reformed.get()) {
                victim.say("* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n");
                while (true) {
                    String line = victim.hear();
                    String tag = line.substring(0, line.indexOf(' '));
                    victim.say((line.contains(" LIST ") ? "* LIST (\\Noselect) \"/\" nothing\r\n" : "") + tag
                            + " OK done\r\n");
                }
            }
            victim.say("* OK ").repeat("endless ", Long.MAX_VALUE);
        });
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofSeconds(1));
        account = fetcher.account(
                new AccountSettings.Imap("alice", server.address(TlsMode.NONE), Optional.empty()), "secret");
    }

    @AfterEach
    void stop() throws Exception {
        fetcher.close();
        server.close();
    }

    private String error() {
        return account.read("select coalesce(last_error, '') from account_sync where account_id = ?");
    }

    private int times() {
        return Integer.parseInt(
                account.read("select limits_exceeded_times::text from account_sync where account_id = ?"));
    }

    private void awaitRest(int times, int hours) {
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(error()).contains("octets", times + " times in a row", "rests for " + hours + " h"));
        assertThat(times()).isEqualTo(times);
        assertThat(account.read("select (state = 'backoff' and retry_at between now() + interval '" + (hours * 60 - 5)
                        + " minutes' and now() + interval '" + hours
                        + " hours')::text from account_sync where account_id = ?"))
                .isEqualTo("true");
    }

    private void assertNoConnectionFor(Duration time, int before) {
        await().pollDelay(time).atMost(SOON).until(() -> true);
        assertThat(connections).hasValue(before);
    }

    @Test
    void it_rests_from_the_third_time_on_over_a_restart_until_a_sync_request_or_a_change() {
        fetcher.start(account);
        awaitRest(3, 1);
        assertNoConnectionFor(A_WHILE, 3);

        fetcher.stop(account);
        fetcher.start(account);
        assertNoConnectionFor(A_WHILE, 3);
        assertThat(error()).contains("rests for 1 h");

        fetcher.requestSync(account.accountId());
        awaitRest(4, 2);
        assertThat(connections).hasValue(4);

        fetcher.restart(account, Status.ACTIVE, 2);
        await().atMost(SOON).until(() -> times() == 1);
        assertThat(error()).contains("octets").doesNotContain("rests");
        fetcher.writer.assertNoBreach();
    }

    @Test
    void a_complete_pass_begins_the_count_anew() {
        fetcher.start(account);
        awaitRest(3, 1);

        reformed.set(true);
        fetcher.requestSync(account.accountId());

        await().atMost(SOON).until(() -> times() == 0 && error().isEmpty());
        assertThat(account.read("select state from account_sync where account_id = ?"))
                .isEqualTo("idle");
        fetcher.writer.assertNoBreach();
    }
}
