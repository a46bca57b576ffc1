package org.postbus.fetcher.store;

import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ReadFailures;

/** What is stored of the messages of an account that could not be read: those that are deferred or quarantined, none or a few. */
public final class StoredReadFailures {
    private static final String COLUMNS =
            "q.state, q.refusals, q.retries, q.first_failed_at, q.last_failed_at, q.next_try_at";

    /** Of account {@code $1}: messages of IMAP. */
    static final String ALL = "select m.server_key, q.uidvalidity, q.uid, " + COLUMNS + """
             from quarantined_message q
            join mailbox m on m.account_id = q.account_id and m.mailbox_id = q.mailbox_id
            where q.account_id = $1""";

    /** Of account {@code $1}: emails of JMAP. */
    static final String ALL_EMAILS =
            "select q.jmap_id, " + COLUMNS + " from quarantined_email q where q.account_id = $1";

    private final Map<Location, ReadFailures> messages;
    private final Map<String, ReadFailures> emails;

    private StoredReadFailures(Map<Location, ReadFailures> messages, Map<String, ReadFailures> emails) {
        this.messages = messages;
        this.emails = emails;
    }

    /** Of a message. */
    public record Location(MailboxKey mailbox, long uidValidity, long uid) {}

    static StoredReadFailures of(RowSet<Row> messageRows, RowSet<Row> emailRows) {
        Map<Location, ReadFailures> messages = new HashMap<>();
        messageRows.forEach(row -> messages.put(location(row), failures(row)));
        Map<String, ReadFailures> emails = new HashMap<>();
        emailRows.forEach(row -> emails.put(row.getString("jmap_id"), failures(row)));
        return new StoredReadFailures(messages, emails);
    }

    /** The messages of a mailbox, by UID. */
    Map<Long, ReadFailures> of(MailboxKey mailbox, long uidValidity) {
        Map<Long, ReadFailures> ofMailbox = new HashMap<>();
        messages.forEach((location, failures) -> {
            if (location.mailbox().equals(mailbox) && location.uidValidity() == uidValidity) {
                ofMailbox.put(location.uid(), failures);
            }
        });
        return ofMailbox;
    }

    Map<String, ReadFailures> ofEmails() {
        return emails;
    }

    static Set<Location> dueMessages(AccountRows rows, Instant now) throws InterruptedException {
        return rows.read("reading which messages are due", ALL, found -> {
            Set<Location> due = new HashSet<>();
            found.forEach(row -> {
                if (!failures(row).nextTryAt().isAfter(now)) {
                    due.add(location(row));
                }
            });
            return due;
        });
    }

    static Set<String> dueEmails(AccountRows rows, Instant now) throws InterruptedException {
        return rows.read("reading which emails are due", ALL_EMAILS, found -> {
            Set<String> due = new HashSet<>();
            found.forEach(row -> {
                if (!failures(row).nextTryAt().isAfter(now)) {
                    due.add(row.getString("jmap_id"));
                }
            });
            return due;
        });
    }

    static Location location(Row row) {
        return new Location(MailboxKey.of(row.getString("server_key")), row.getLong("uidvalidity"), row.getLong("uid"));
    }

    private static ReadFailures failures(Row row) {
        return new ReadFailures(
                row.getString("state").equals("quarantined"),
                row.getInteger("refusals"),
                row.getInteger("retries"),
                row.getOffsetDateTime("first_failed_at").toInstant(),
                row.getOffsetDateTime("last_failed_at").toInstant(),
                row.getOffsetDateTime("next_try_at").toInstant());
    }
}
