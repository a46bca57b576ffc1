package org.postbus.fetcher.store;

import io.vertx.sqlclient.Row;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;
import org.postbus.model.Keyword;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailStateObserved;

/** What the writer has stored of a JMAP account's emails, by their JMAP ids. */
public final class StoredJmapState {
    private static final String IDENTITY_PREFIX = EmailIdentity.Jmap.PREFIX;

    /**
     * From the emails of account {@code $1} with identities {@code $2}, as {@code e}. The lateral subquery with "between" and "offset 0"
     * forces the index on identities: without statistics all indexes that begin with the account cost the planner the same.
     */
    private static final String OF_IDENTITIES = """
            from unnest($2::text[]) k(identity)
            cross join lateral (
              select * from email
              where account_id = $1 and identity between k.identity and k.identity
              order by identity offset 0) e""";

    private final AccountRows rows;

    public StoredJmapState(TenantTransactions transactions, Claim claim) {
        this.rows = new AccountRows(transactions, claim);
    }

    /**
     * The JMAP ids of the account's emails that are not destroyed, one page in the order of the database; empty at the end.
     *
     * @param after the last id of the page before, empty for the first one
     */
    public List<String> ids(String after, int limit) throws InterruptedException {
        return rows.read(
                "reading JMAP ids",
                """
                select identity from email
                where account_id = $1 and identity is not null and identity > $2 and starts_with(identity, $3)
                order by identity limit $4""",
                found -> {
                    List<String> ids = new ArrayList<>();
                    found.forEach(row -> ids.add(id(row)));
                    return ids;
                },
                after.isEmpty() ? "" : IDENTITY_PREFIX + after,
                IDENTITY_PREFIX,
                limit);
    }

    /** The stored keywords and mailboxes of emails, by JMAP id; emails that are not stored are left out. */
    public Map<String, EmailStateObserved> states(Collection<String> ids) throws InterruptedException {
        return rows.read(
                "reading the state of emails",
                """
                select e.identity, e.keywords, array(
                  select m.server_key from (
                    select mailbox_id from email_mailbox
                    where account_id = $1 and email_id between e.email_id and e.email_id
                    order by email_id offset 0) l
                  join mailbox m on m.account_id = $1 and m.mailbox_id = l.mailbox_id) as mailboxes
                """ + OF_IDENTITIES,
                found -> {
                    Map<String, EmailStateObserved> states = new HashMap<>();
                    found.forEach(row -> states.put(id(row), state(row)));
                    return states;
                },
                (Object) identities(ids));
    }

    private static EmailStateObserved state(Row row) {
        Set<MailboxKey> mailboxes = Arrays.stream(row.getArrayOfStrings("mailboxes"))
                .map(MailboxKey::of)
                .collect(Collectors.toSet());
        Set<Keyword> keywords = Arrays.stream(row.getArrayOfStrings("keywords"))
                .map(Keyword::of)
                .collect(Collectors.toSet());
        return new EmailStateObserved(new EmailRef.JmapEmail(id(row)), mailboxes, keywords, Optional.empty());
    }

    /** Of the emails with these JMAP ids those that are stored, with what identifies them besides their ids. */
    public List<EmailMarks> marks(Collection<String> ids) throws InterruptedException {
        return rows.read(
                "reading what identifies emails",
                """
                select e.identity, e.blob_id, e.message_id, e.size, e.received_at
                """ + OF_IDENTITIES,
                found -> {
                    List<EmailMarks> emails = new ArrayList<>();
                    found.forEach(row -> emails.add(new EmailMarks(
                            id(row),
                            Optional.ofNullable(row.getString("blob_id")),
                            Optional.ofNullable(row.getString("message_id")),
                            row.getLong("size"),
                            Optional.of(row.getOffsetDateTime("received_at").toInstant()))));
                    return emails;
                },
                (Object) identities(ids));
    }

    /**
     * By mailbox, how many more emails the server says that it holds than are linked to it in the database; negative if fewer. Mailboxes
     * without a difference are left out.
     */
    public Map<MailboxKey, Long> countDifferences() throws InterruptedException {
        return rows.read("counting emails", """
                select server_key, missing from (
                  select m.server_key, m.total_emails - coalesce((
                    select sum(c.links) from mailbox_links c
                    where c.account_id = m.account_id and c.mailbox_id = m.mailbox_id), 0)::bigint as missing
                  from mailbox m where m.account_id = $1) counted
                where missing <> 0""", found -> {
            Map<MailboxKey, Long> differences = new HashMap<>();
            found.forEach(row -> differences.put(MailboxKey.of(row.getString("server_key")), row.getLong("missing")));
            return differences;
        });
    }

    /** The JMAP ids of emails that could not be read and are due by what is stored. */
    public Set<String> dueNotRead(Instant now) throws InterruptedException {
        return StoredReadFailures.dueEmails(rows, now);
    }

    private static String id(Row row) {
        return EmailIdentity.of(row.getString("identity")).id();
    }

    private static String[] identities(Collection<String> ids) {
        return ids.stream().map(id -> new EmailIdentity.Jmap(id).value()).toArray(String[]::new);
    }
}
