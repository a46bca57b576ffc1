package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.mail.imap.connection.ImapOptions;

/** A running account on a {@link QuirkyImapServer}. Passes happen on request; {@link FetcherUnderTest#clock} lets time pass. */
final class QuirkyAccount implements AutoCloseable {
    static final Duration SOON = Duration.ofSeconds(60);
    static final String[] QRESYNC = {
        "CONDSTORE", "QRESYNC", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT", "ESEARCH"
    };
    static final String[] PLAIN = {"LIST-EXTENDED", "LIST-STATUS", "UNSELECT"};
    private static final Duration POLL = Duration.ofMinutes(10);

    final QuirkyImapServer server;
    final FetcherUnderTest fetcher;
    final TestAccount account;

    /** Starts the account; its first pass may not have begun. */
    QuirkyAccount(QuirkyImapServer server) {
        this.server = server;
        fetcher = new FetcherUnderTest(
                DevStack.postgres().freshDatabase(), POLL, new HostBudget(20, 50, 1000), ImapOptions.DEFAULT);
        account = fetcher.account(
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", server.port(), TlsMode.NONE), Optional.empty()),
                "secret");
        fetcher.start(account);
    }

    /** As the constructor, and its initial sync has ended. */
    static QuirkyAccount synced(QuirkyImapServer server) {
        QuirkyAccount started = new QuirkyAccount(server);
        started.awaitSynced();
        return started;
    }

    static QuirkyImapServer server(String[] capabilities, int messages) {
        QuirkyImapServer server = new QuirkyImapServer(capabilities);
        for (int uid = 1; uid <= messages; uid++) {
            server.inbox().add("m" + uid);
        }
        return server;
    }

    void awaitSynced() {
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select state || initial_done from account_sync where account_id = ?"))
                        .isEqualTo("idletrue"));
        pass();
    }

    /** Waits for a whole pass that began after this call, and for those that follow it at once. */
    void pass() {
        Instant now = fetcher.clock.instant();
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).pollInterval(Duration.ofMillis(20)).until(() -> account.wasSyncedSince(now));
        fetcher.writer.assertNoBreach();
    }

    /** The same, after some time. */
    void passAfter(Duration time) {
        fetcher.clock.pass(time);
        pass();
    }

    void restart() {
        fetcher.stop(account);
        fetcher.start(account);
        pass();
    }

    List<String> inbox() {
        return mailbox("INBOX");
    }

    List<String> mailbox(String name) {
        return new ArrayList<>(DirectWriter.content(fetcher.database, account.accountId(), true)
                .getOrDefault(name, List.of()));
    }

    /** The UIDs that could not be read, in that state, with blanks between them. */
    String notRead(String state) {
        return Optional.ofNullable(
                        account.read("select string_agg(uid::text, ' ' order by uid) from quarantined_message"
                                + " where state = '" + state + "' and account_id = ?"))
                .orElse("");
    }

    long count(String table) {
        return Long.parseLong(account.read("select count(*) from " + table + " where account_id = ?"));
    }

    /** The types of the changes of emails, with blanks between them. */
    String emailChanges(String type) {
        return account.read("select count(*) from change_log where type = '" + type + "' and account_id = ?");
    }

    @Override
    public void close() throws Exception {
        fetcher.close();
        server.close();
    }
}
