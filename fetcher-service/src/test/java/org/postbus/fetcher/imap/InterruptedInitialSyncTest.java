package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.fetcher.imap.QuirkyImapServer.Mail;
import org.postbus.fetcher.imap.QuirkyImapServer.Mailbox;

/** What another client does during the initial sync: emails keep their ids, and nothing is left that is no longer on the server. */
class InterruptedInitialSyncTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final String ALL = "CONDSTORE QRESYNC ENABLE LIST-EXTENDED LIST-STATUS UNSELECT ESEARCH";
    private static final String CONDSTORE = "CONDSTORE ENABLE LIST-EXTENDED LIST-STATUS UNSELECT";
    private static final String NOTHING = "UNSELECT";
    private static final int MESSAGES = 1200;

    private QuirkyImapServer server;
    private FetcherUnderTest fetcher;
    private TestAccount account;

    @AfterEach
    void stop() throws Exception {
        fetcher.close();
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {ALL, CONDSTORE, NOTHING})
    void what_was_read_before_a_break_is_resynced_before_the_rest_is_read(String capabilities) {
        Map<String, String> before = start(capabilities, answer -> QuirkyImapServer.HANG_UP);

        await().atMost(SOON).untilAsserted(this::assertEqualToServer);
        assertIdsKept(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {ALL, CONDSTORE, NOTHING})
    void what_is_moved_to_a_mailbox_that_is_read_later_keeps_its_id(String capabilities) {
        Map<String, String> before = start(capabilities, answer -> answer);

        await().atMost(SOON).untilAsserted(this::assertEqualToServer);
        assertIdsKept(before);
    }

    /**
     * @param during what the server answers to the last FETCH of the inbox, after its newest 500 messages have been stored and another client
     *     has moved, flagged and expunged some of these
     * @return the ids that were stored then, by Message-ID
     */
    private Map<String, String> start(String capabilities, UnaryOperator<String> during) {
        server = new QuirkyImapServer(capabilities.split(" "));
        LongStream.rangeClosed(1, MESSAGES).forEach(uid -> server.inbox().add("m" + uid));
        Mailbox later = server.mailbox("Later", "");
        for (int i = 0; i < 5; i++) {
            later.add("later" + i);
        }
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofSeconds(1));
        account = fetcher.account(
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", server.port(), TlsMode.NONE), Optional.empty()),
                "secret");
        Map<String, String> stored = new TreeMap<>();
        AtomicBoolean done = new AtomicBoolean();
        server.answers("UID FETCH 1:200 .*BODY.*", answer -> {
            if (!done.compareAndSet(false, true)) {
                return answer;
            }
            await().atMost(SOON).until(() -> ids().size() >= 500);
            stored.putAll(ids());
            changeMail(later);
            return during.apply(answer);
        });
        fetcher.start(account);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select state || initial_done from account_sync where account_id = ?"))
                        .isEqualTo("idletrue"));
        return stored;
    }

    private void changeMail(Mailbox later) {
        for (long uid = 1000; uid < 1020; uid++) {
            Mail moved = server.inbox().mails.get(uid);
            later.add(moved.raw, moved.flags.toArray(String[]::new));
            server.inbox().expunge(uid);
        }
        server.inbox().flag(1030, "\\Seen");
        server.inbox().expunge(1040);
    }

    private void assertEqualToServer() {
        fetcher.writer.assertNoBreach();
        Map<String, java.util.List<String>> content = DirectWriter.content(fetcher.database, account.accountId(), true);
        assertThat(content.get("INBOX"))
                .hasSize(MESSAGES - 21)
                .contains("1030 m1030@example.org $seen")
                .noneMatch(line -> line.startsWith("1000 ") || line.startsWith("1040 "));
        assertThat(content.get("Later")).hasSize(25).contains("6 m1000@example.org ");
    }

    private void assertIdsKept(Map<String, String> before) {
        Map<String, String> now = ids();
        before.remove("m1040@example.org");
        assertThat(now).containsAllEntriesOf(before).hasSize(MESSAGES - 1 + 5);
        assertThat(account.read("select count(*) from change_log where account_id = ? and type = 'email.created'"))
                .isEqualTo(String.valueOf(MESSAGES + 5));
        await("the email that was expunged is destroyed, and no other")
                .atMost(SOON)
                .untilAsserted(() -> assertThat(account.read("""
                        select count(*) from change_log where account_id = ? and type = 'email.destroyed'""")).isEqualTo("1"));
    }

    private Map<String, String> ids() {
        Map<String, String> ids = new TreeMap<>();
        DirectWriter.query(
                fetcher.database,
                "select message_id, email_id from email where account_id = ? and unlinked_pass is null",
                row -> ids.merge(row.getString(1), row.getString(2), (one, two) -> one + " " + two),
                account.accountId().value());
        return ids;
    }
}
