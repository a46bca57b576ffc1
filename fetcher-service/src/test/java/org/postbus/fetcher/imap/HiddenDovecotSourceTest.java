package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.fetcher.FetcherUnderTest;

/** Dovecot with all of its extensions hidden: everything is found by comparing. */
class HiddenDovecotSourceTest extends DovecotSourceContract {
    @Override
    Set<String> hidden() {
        return Dovecot.CHANGE_TRACKING;
    }

    /** Such a server may be asked for an unchanged mailbox only minutes later, so the tests send sync requests. */
    @Override
    public void hint() {
        fetcher.requestSync(account.accountId());
    }

    @Test
    void unchanged_mailboxes_are_checked_a_few_at_a_time() throws Exception {
        for (int i = 0; i < 50; i++) {
            other.create("Quiet" + i);
        }
        fetcher.close();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofMillis(100));
        account = fetcher.account(settings(), PASSWORD);
        fetcher.start(account);
        awaitEqual();
        int before = tap.commands().size();

        fill("Quiet17", 1);

        String links = "select count(*) from email_mailbox where account_id = ?";
        await().atMost(Duration.ofSeconds(30)).until(() -> account.read(links), "1"::equals);
        List<Long> moved = select("Quiet17");
        betweenPasses(() -> other.move(moved, "Quiet42"));
        String of42 = "select count(*) from email_mailbox l join mailbox m using (account_id, mailbox_id)"
                + " where account_id = ? and m.raw_name = 'Quiet42'";
        await().atMost(Duration.ofSeconds(30)).until(() -> account.read(of42), "1"::equals);
        // A move is seen in both mailboxes in one pass, whichever of them is checked first.
        assertThat(account.read("select count(*) from change_log where account_id = ? and type = 'email.created'"))
                .isEqualTo("1");
        List<Integer> perPass = new ArrayList<>();
        for (String command : tap.commands().subList(before, tap.commands().size())) {
            if (command.startsWith("LIST")) {
                perPass.add(0);
            } else if (command.startsWith("STATUS") && !perPass.isEmpty()) {
                perPass.set(perPass.size() - 1, perPass.getLast() + 1);
            }
        }
        assertThat(perPass)
                .filteredOn(count -> count > StatusSchedule.STATUS_MAX + 1)
                .hasSizeLessThan(10);
    }
}
