package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.mail.imap.connection.ImapOptions;

/** Dovecot with all its extensions: CONDSTORE, QRESYNC, NOTIFY, MOVE, LIST-STATUS. */
class DovecotSourceTest extends DovecotSourceContract {
    @Override
    Set<String> hidden() {
        return Set.of();
    }

    @Test
    void changes_of_any_mailbox_are_pushed() throws Exception {
        other.create("Apart");
        fill("Apart", 3);
        fill("INBOX", 1);
        fetcher.close();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofMinutes(10));
        account = fetcher.account(settings(), PASSWORD);
        fetcher.start(account);
        awaitEqual();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> account.read("select push from account_sync where account_id = ?"), "notify"::equals);

        other.addFlags(select("Apart"), "\\Flagged");
        awaitPush(() -> fill("Apart", 1));
        awaitPush(() -> other.addFlags(select("Apart").subList(0, 1), "later"));
    }

    /** Created and renamed mailboxes are not pushed: a Dovecot that is asked for them gets wrong in all sessions, those of the passes too. */
    @Test
    void mailboxes_that_another_client_changes_for_a_while_are_seen() throws Exception {
        fill("INBOX", 2);
        fetcher.start(account);
        awaitEqual();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> account.read("select push from account_sync where account_id = ?"), "notify"::equals);

        Random random = new Random(20261201);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String fresh = "X" + i;
            int choice = names.isEmpty() ? 0 : random.nextInt(10);
            if (choice < 4) {
                other.create(fresh);
                names.add(fresh);
            } else if (choice < 8) {
                int at = random.nextInt(names.size());
                other.rename(names.get(at), fresh);
                names.set(at, fresh);
            } else {
                other.delete(names.remove(random.nextInt(names.size())));
            }
            Thread.sleep(random.nextInt(120));
        }

        awaitEqual();
        assertThat(account.read("select state from account_sync where account_id = ?"))
                .isEqualTo("idle");
    }

    @Test
    void bulk_reads_are_compressed_and_idle_connections_are_not() throws Exception {
        fill("INBOX", 125);
        for (int messages = 125; messages < ImapPass.BULK_MESSAGES; messages *= 2) {
            other.copy(select("INBOX"), "INBOX");
        }
        fetcher.close();
        fetcher = new FetcherUnderTest(
                DevStack.postgres().freshDatabase(),
                Duration.ofMinutes(10),
                new HostBudget(20, 50, 1000),
                ImapOptions.DEFAULT.withCompression(ImapOptions.Compression.ALWAYS));
        account = fetcher.account(settings(), PASSWORD);

        fetcher.start(account);
        awaitEqual();

        assertThat(tap.commands()).filteredOn("COMPRESS DEFLATE"::equals).hasSize(1);
        assertThat(tap.commands()).noneMatch(command -> command.startsWith("UID FETCH"));
        await().atMost(Duration.ofSeconds(30))
                .until(() -> tap.commands().stream().anyMatch(command -> command.startsWith("NOTIFY SET")));
        fill("INBOX", 1);
        awaitEqual();
        assertThat(tap.commands()).filteredOn("COMPRESS DEFLATE"::equals).hasSize(1);
        assertThat(tap.commands())
                .filteredOn(command -> command.startsWith("UID FETCH 1001 "))
                .hasSize(1);
        assertThat(tap.mostConnections()).isLessThanOrEqualTo(3);
    }

    @Test
    void an_access_token_logs_in_and_an_expired_one_is_a_refused_login() {
        fill("INBOX", 2);
        account = withToken(Instant.now().plusSeconds(3600));
        fetcher.start(account);
        awaitEqual();

        TestAccount late = withToken(Instant.now().minusSeconds(60));
        fetcher.start(late);

        await().atMost(Duration.ofSeconds(60))
                .until(() -> late.read("select state from account_sync where account_id = ?"), "needs-login"::equals);
    }

    private TestAccount withToken(Instant expires) {
        return fetcher.account(
                settings(),
                new Credential.AccessToken(DevStack.dovecot(hidden())
                        .accessToken(user, Instant.now().minusSeconds(120), expires)));
    }

    private void awaitPush(Runnable change) {
        awaitEqual();
        double before = fetcher.wokenByPush();
        change.run();
        await().atMost(Duration.ofSeconds(20)).until(() -> fetcher.wokenByPush() > before);
        awaitEqual();
    }
}
