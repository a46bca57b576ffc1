package org.postbus.fetcher;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;

/** Dovecot with all it can: CONDSTORE, QRESYNC, NOTIFY, MOVE, LIST-STATUS. */
class DovecotSourceTest extends DovecotSourceContract {
    @Override
    Set<String> hidden() {
        return Set.of();
    }

    @Test
    void news_of_any_mailbox_come_by_themselves() throws Exception {
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
        awaitPush(() -> other.create("Fresh"));
        // Not of a rename: Dovecot 2.3 may find its own list of mailboxes corrupted then, and says nothing.
    }

    private void awaitPush(Runnable change) {
        awaitEqual();
        double before = fetcher.wokenByPush();
        change.run();
        await().atMost(Duration.ofSeconds(20)).until(() -> fetcher.wokenByPush() > before);
        awaitEqual();
    }
}
