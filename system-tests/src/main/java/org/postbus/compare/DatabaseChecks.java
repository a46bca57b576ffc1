package org.postbus.compare;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postbus.model.EmailId;

/** Checks the rows of one account against each other and against its change log. */
final class DatabaseChecks {
    private final AccountQueries account;
    private final List<String> unfinished = new ArrayList<>();
    private final List<String> violations = new ArrayList<>();

    DatabaseChecks(AccountQueries account) {
        this.account = account;
    }

    /** @param fold of the account's whole change log */
    void run(List<DatabaseReader.Row> rows, Map<EmailId, List<DatabaseReader.Location>> locationsOf, ChangeFold fold)
            throws SQLException {
        for (DatabaseReader.Row row : rows) {
            if (row.unlinked() == locationsOf.containsKey(row.id())) {
                violations.add("email " + row.id() + ": unlinked is " + row.unlinked() + ", locations are "
                        + locationsOf.getOrDefault(row.id(), List.of()));
            }
        }
        for (String table : List.of("email_mailbox", "email_body", "attachment")) {
            violations.addAll(account.query(
                    "select distinct '" + table + " of no email: ' || email_id from " + table
                            + " c where account_id = ?"
                            + " and not exists (select from email e"
                            + " where e.account_id = c.account_id and e.email_id = c.email_id)",
                    row -> row.getString(1)));
        }
        violations.addAll(account.query(
                "select distinct 'link to no mailbox: ' || mailbox_id from email_mailbox l where account_id = ?"
                        + " and not exists (select from mailbox m"
                        + " where m.account_id = l.account_id and m.mailbox_id = l.mailbox_id)",
                row -> row.getString(1)));
        long unlinked = rows.stream().filter(DatabaseReader.Row::unlinked).count();
        if (unlinked > 0) {
            unfinished.add(unlinked + " emails without a mailbox, waiting for the next full pass");
        }
        unfinished.addAll(account.query(
                "select kind || ' ' || mutation_id || ' is ' || state || ' ' || coalesce(error, '') from pending_changes"
                        + " where account_id = ? and state in ('queued', 'sending', 'applied', 'in-doubt')",
                row -> row.getString(1)));
        unfinished.addAll(account.query(
                "select sum(last_seq - first_seq + 1) || ' changes not published' from change_outbox"
                        + " where account_id = ? having count(*) > 0",
                row -> row.getString(1)));
        account.query("select change_seq from account_sync where account_id = ?", row -> row.getLong(1)).stream()
                .filter(given -> given != fold.seq())
                .forEach(given ->
                        violations.add("account_sync has given out seq " + given + ", the log ends at " + fold.seq()));
        violations.addAll(fold.problems());
    }

    List<String> unfinished() {
        return List.copyOf(unfinished);
    }

    List<String> violations() {
        return MailState.shortened(violations);
    }
}
