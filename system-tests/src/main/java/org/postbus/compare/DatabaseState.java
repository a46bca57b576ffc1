package org.postbus.compare;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;

/**
 * The state of an account in the database, read in one snapshot.
 *
 * @param mail in the account's server's terms, for a comparison with {@link ServerState}
 * @param mailboxes as subscribers see them
 * @param emails as subscribers see them
 * @param fold the state of a subscriber that has read the whole change log
 * @param unfinished work in progress: open mutations, emails without a mailbox, unpublished changes
 * @param violations conditions that must never hold, not even for a moment: gaps in the change log, dangling references
 */
public record DatabaseState(
        MailState mail,
        Map<MailboxId, Mailbox> mailboxes,
        Map<EmailId, Email> emails,
        ChangeFold fold,
        List<String> unfinished,
        List<String> violations) {

    /** @param connection sees all rows (the superuser's); not in a transaction */
    public static DatabaseState read(Connection connection, AccountId account) throws SQLException {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try (Statement planner = connection.createStatement()) {
            // All rows are read and joined, which needs hash joins; with outdated statistics the planner would choose
            // nested
            // loops and take minutes.
            planner.execute("set local enable_nestloop = off");
            return new DatabaseReader(connection, account).read();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** Differences between the rows and the state that a subscriber has built from the changes; empty if they are equal. */
    public List<String> differencesFrom(ChangeFold subscriber) {
        List<String> found = new ArrayList<>(subscriber.problems());
        compare("mailbox", mailboxes, subscriber.mailboxes(), found);
        compare("email", byText(emails), byText(subscriber.emails()), found);
        return MailState.shortened(found);
    }

    private static Map<String, Email> byText(Map<EmailId, Email> emails) {
        return emails.entrySet().stream()
                .collect(Collectors.toMap(entry -> entry.getKey().toString(), Map.Entry::getValue));
    }

    private static <K extends Comparable<K>, V> void compare(
            String what, Map<K, V> rows, Map<K, V> folded, List<String> found) {
        for (K key : MailState.union(rows, folded)) {
            if (!rows.containsKey(key)
                    || !folded.containsKey(key)
                    || !rows.get(key).equals(folded.get(key))) {
                found.add(what + " " + key + ": rows say " + rows.get(key) + ", changes say " + folded.get(key));
            }
        }
    }
}
