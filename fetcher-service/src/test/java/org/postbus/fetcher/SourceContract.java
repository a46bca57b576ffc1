package org.postbus.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.codec.EventCodec;

/** What the contracts of both protocols share: an account under a real fetcher and writer, compared with its server. */
public abstract class SourceContract {
    public static final Duration SOON = Duration.ofSeconds(60);
    public static final Duration POLL = Duration.ofSeconds(1);
    public static final boolean LONG = Boolean.getBoolean("postbus.long");

    public FetcherUnderTest fetcher;
    public TestAccount account;

    /** By mailbox, the lines that {@link #stored} is to become equal to. */
    public abstract Map<String, List<String>> serverContent();

    public abstract Map<String, List<String>> stored();

    public void awaitEqual() {
        awaitEqual("after the last step");
    }

    public void awaitEqual(String when) {
        awaitEqual(when, SOON);
    }

    public void awaitEqual(String when, Duration atMost) {
        Map<String, List<String>> server = serverContent();
        hint();
        try {
            await().atMost(atMost).pollInterval(Duration.ofMillis(100)).untilAsserted(() -> {
                Map<String, List<String>> stored = stored();
                assertThat(stored.keySet()).isEqualTo(server.keySet());
                for (String mailbox : server.keySet()) {
                    assertThat(stored.get(mailbox)).as(mailbox).isEqualTo(server.get(mailbox));
                }
            });
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            fetcher.writer.assertNoBreach();
            throw new AssertionError(
                    when + ": "
                            + account.read(
                                    "select state || ', ' || coalesce(last_error, 'no error') from account_sync where account_id = ?")
                            + difference(server, stored()),
                    e);
        }
        fetcher.writer.assertNoBreach();
    }

    /** The first few lines that only one side has, for the first line of a report. */
    private static String difference(Map<String, List<String>> server, Map<String, List<String>> stored) {
        StringBuilder text = new StringBuilder();
        Set<String> mailboxes = new TreeSet<>(server.keySet());
        mailboxes.addAll(stored.keySet());
        for (String mailbox : mailboxes) {
            List<String> there = server.getOrDefault(mailbox, List.of("no mailbox"));
            List<String> here = stored.getOrDefault(mailbox, List.of("no mailbox"));
            if (!there.equals(here)) {
                text.append("; ").append(mailbox).append(" has ").append(onlyIn(there, here));
                text.append(", stored are ").append(onlyIn(here, there));
            }
        }
        return text.toString();
    }

    private static List<String> onlyIn(List<String> these, List<String> those) {
        List<String> only = new ArrayList<>(these);
        those.forEach(only::remove);
        return only.stream().limit(4).toList();
    }

    /** Before both sides are expected to become equal. */
    public void hint() {}

    /** Message-ID to our id. */
    public Map<String, String> emailIds() {
        Map<String, String> ids = new HashMap<>();
        DirectWriter.query(
                fetcher.database,
                "select message_id, email_id from email where account_id = ?",
                row -> ids.merge(row.getString(1), row.getString(2), (one, two) -> one + " " + two),
                account.accountId().value());
        return ids;
    }

    public long changeSeq() {
        return Long.parseLong(account.read("select change_seq from account_sync where account_id = ?"));
    }

    public List<Change> changesAfter(long seq) {
        List<Change> changes = new ArrayList<>();
        DirectWriter.query(
                fetcher.database,
                "select data from change_log where account_id = ? and seq > ? order by seq",
                row -> changes.add(
                        EventCodec.decode(row.getString(1), ChangeEvent.class).change()),
                account.accountId().value(),
                seq);
        return changes;
    }

    /** Waits until this many whole passes have finished. */
    public void passes(int count) {
        for (int i = 0; i < count; i++) {
            long before = Long.parseLong(account.read("select passes_finished from account_sync where account_id = ?"));
            await().atMost(SOON).until(() -> {
                fetcher.requestSync(account.accountId());
                return Long.parseLong(account.read("select passes_finished from account_sync where account_id = ?"))
                        > before;
            });
        }
    }

    /** No email without a mailbox waits to be destroyed. */
    public void nothingIsLeftOver() {
        passes(2);
        assertThat(account.read("select count(*) from email where account_id = ? and unlinked_pass is not null"))
                .isEqualTo("0");
    }
}
