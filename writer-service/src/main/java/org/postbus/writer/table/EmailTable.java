package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.EmailIdentity;
import org.postbus.writer.decide.EmailDifference.CreatedEmail;
import org.postbus.writer.decide.EmailDifference.LinkKey;
import org.postbus.writer.decide.EmailDifference.UpdatedEmail;
import org.postbus.writer.decide.EmailKeys;
import org.postbus.writer.decide.StoredEmail;
import org.postbus.writer.decide.StoredEmail.Content;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * {@code email}. Only the writer changes it, and only while it holds the lock of the account.
 *
 * <p>Here and in the other tables, {@code lateral (… x between k.x and k.x order by x)} is an equality that forces the planner to use one index.
 * Statistics are gathered once a minute at best. Without them the planner sees no difference between the indexes that begin with the account, and
 * with the wrong one each email costs a scan of the whole account during an initial sync. {@code ctid} is safe, because no other transaction
 * changes these rows meanwhile.
 */
public final class EmailTable {
    private static final String COLUMNS = """
            e.email_id, e.identity, e.thread_id, e.blob_id, e.message_id, e.size, e.received_at, e.header_hash, e.keywords,
            e.headers::text as headers, e.has_attachment, e.preview, e.unlinked_pass, e.unlinked_from""";

    private EmailTable() {}

    /** Every email that has one of the identities, is at one of the locations, or is in no mailbox and may have one of the fingerprints. */
    public static List<StoredEmail> find(Transaction transaction, AccountId account, EmailKeys keys) {
        List<Future<RowSet<Row>>> answers = new ArrayList<>();
        if (!keys.identities().isEmpty()) {
            answers.add(transaction.query(
                    "select " + COLUMNS + """
                             from unnest($2::text[]) k(identity)
                            cross join lateral (
                              select * from email
                              where account_id = $1 and identity between k.identity and k.identity order by identity offset 0) e""",
                    account.value(),
                    keys.identities().stream().map(EmailIdentity::value).toArray(String[]::new)));
        }
        if (!keys.locations().isEmpty()) {
            List<Location> locations = List.copyOf(keys.locations());
            answers.add(transaction.query(
                    "select " + COLUMNS + """
                             from unnest($2::uuid[], $3::bigint[]) k(mailbox_id, uid)
                            cross join lateral (
                              select email_id from email_mailbox
                              where account_id = $1 and mailbox_id = k.mailbox_id and uid between k.uid and k.uid
                              order by uid offset 0) l
                            cross join lateral (
                              select * from email
                              where account_id = $1 and email_id between l.email_id and l.email_id order by email_id offset 0) e""",
                    account.value(),
                    column(locations, Location::mailboxId, UUID[]::new),
                    column(locations, Location::uid, Long[]::new)));
        }
        if (!keys.fingerprints().isEmpty()) {
            List<Fingerprint> fingerprints = List.copyOf(keys.fingerprints());
            answers.add(transaction.query(
                    "select " + COLUMNS + """
                             from unnest($2::bigint[], $3::timestamptz[]) k(size, received_at)
                            cross join lateral (
                              select * from email
                              where account_id = $1 and size between k.size and k.size
                                and received_at between k.received_at and k.received_at and unlinked_pass is not null
                              order by size, received_at offset 0) e
                            order by e.email_id""",
                    account.value(),
                    column(fingerprints, Fingerprint::size, Long[]::new),
                    column(fingerprints, key -> Columns.time(key.receivedAt()), OffsetDateTime[]::new)));
        }
        List<Row> rows = new ArrayList<>();
        for (Future<RowSet<Row>> answer : answers) {
            transaction.rows(answer).forEach(rows::add);
        }
        return withLinks(transaction, account, rows);
    }

    public static List<StoredEmail> find(Transaction transaction, AccountId account, List<UUID> ids) {
        List<Row> rows = new ArrayList<>();
        transaction
                .run(
                        "select " + COLUMNS + " from email e where e.account_id = $1 and e.email_id = any($2::uuid[])",
                        account.value(),
                        ids.toArray(UUID[]::new))
                .forEach(rows::add);
        return withLinks(transaction, account, rows);
    }

    /** The ids of all emails that belong to one of the threads. */
    public static List<UUID> inThreads(Transaction transaction, AccountId account, Collection<UUID> threads) {
        List<UUID> emails = new ArrayList<>();
        transaction
                .run("""
                        select e.email_id from unnest($2::uuid[]) k(thread_id)
                        cross join lateral (
                          select email_id from email
                          where account_id = $1 and thread_id between k.thread_id and k.thread_id
                          order by thread_id offset 0) e""", account.value(), threads.toArray(UUID[]::new))
                .forEach(row -> emails.add(row.getUUID("email_id")));
        return emails;
    }

    public static void insert(Transaction transaction, TenantId tenant, AccountId account, List<CreatedEmail> emails) {
        transaction.send(
                """
                insert into email (account_id, tenant_id, email_id, identity, thread_id, blob_id, header_hash, message_id,
                                   size, received_at, keywords, headers, subject, has_attachment, preview)
                select $1, $2, n.email_id, n.identity, n.thread_id, n.blob_id, n.header_hash, n.message_id, n.size,
                       n.received_at, string_to_array(n.keywords, ' '), convert_from(n.headers, 'UTF8')::jsonb, n.subject, n.has_attachment,
                       n.preview
                from unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bigint[],
                            $10::timestamptz[], $11::text[], $12::bytea[], $13::text[], $14::boolean[], $15::text[])
                  n(email_id, identity, thread_id, blob_id, header_hash, message_id, size, received_at, keywords, headers,
                    subject, has_attachment, preview)""",
                account.value(),
                tenant.value(),
                column(emails, CreatedEmail::id, UUID[]::new),
                column(
                        emails,
                        email -> email.identity().map(EmailIdentity::value).orElse(null),
                        String[]::new),
                column(emails, CreatedEmail::threadId, UUID[]::new),
                column(emails, email -> email.blobId().orElse(null), String[]::new),
                column(emails, email -> email.fingerprint().headerHash().orElse(null), String[]::new),
                column(emails, email -> email.fingerprint().messageId().orElse(null), String[]::new),
                column(emails, email -> email.fingerprint().size(), Long[]::new),
                column(emails, email -> Columns.time(email.fingerprint().receivedAt()), OffsetDateTime[]::new),
                column(emails, email -> String.join(" ", email.keywords()), String[]::new),
                column(
                        emails,
                        email ->
                                Buffer.buffer(EventCodec.encode(email.observed().headers())),
                        Buffer[]::new),
                column(emails, email -> email.observed().headers().subject().orElse(null), String[]::new),
                column(emails, email -> email.observed().hasAttachment(), Boolean[]::new),
                column(emails, email -> email.observed().preview(), String[]::new));
    }

    public static void update(Transaction transaction, AccountId account, List<UpdatedEmail> emails) {
        transaction.send(
                """
                update email e
                set identity = n.identity, keywords = string_to_array(n.keywords, ' '), unlinked_pass = n.unlinked_pass,
                    unlinked_from = string_to_array(n.unlinked_from, ',')::uuid[], thread_id = n.thread_id, blob_id = n.blob_id
                from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::uuid[], $8::text[])
                  n(email_id, identity, keywords, unlinked_pass, unlinked_from, thread_id, blob_id)
                cross join lateral (
                  select ctid as row from email
                  where account_id = $1 and email_id between n.email_id and n.email_id order by email_id offset 0) at
                where e.ctid = at.row""",
                account.value(),
                column(emails, UpdatedEmail::id, UUID[]::new),
                column(
                        emails,
                        email -> email.identity().map(EmailIdentity::value).orElse(null),
                        String[]::new),
                column(emails, email -> String.join(" ", email.keywords()), String[]::new),
                column(emails, email -> email.unlinkedPass().orElse(null), Long[]::new),
                column(
                        emails,
                        email -> email.unlinkedFrom().map(EmailTable::joined).orElse(null),
                        String[]::new),
                column(emails, UpdatedEmail::threadId, UUID[]::new),
                column(emails, email -> email.blobId().orElse(null), String[]::new));
    }

    /**
     * Marks emails that have lost their last link, which was in this mailbox. Until they are found again or destroyed, subscribers see them
     * there.
     *
     * @param links the emails' last links
     * @param pass the number of finished passes
     */
    public static void markUnlinked(
            Transaction transaction, AccountId account, List<LinkKey> links, UUID mailbox, long pass) {
        transaction.send("""
                update email e set unlinked_pass = $3, unlinked_from = array[$4::uuid]
                from unnest($2::uuid[]) k(email_id)
                cross join lateral (
                  select ctid as row from email
                  where account_id = $1 and email_id between k.email_id and k.email_id order by email_id offset 0) at
                where e.ctid = at.row""", account.value(), column(links, LinkKey::emailId, UUID[]::new), pass, mailbox);
    }

    public static void delete(Transaction transaction, AccountId account, List<UUID> ids) {
        transaction.send("""
                delete from email e
                using unnest($2::uuid[]) k(email_id)
                cross join lateral (
                  select ctid as row from email
                  where account_id = $1 and email_id between k.email_id and k.email_id order by email_id offset 0) at
                where e.ctid = at.row""", account.value(), ids.toArray(UUID[]::new));
    }

    /**
     * Sends a statement that deletes at most {@code most} emails that lost their last mailbox in a pass before {@code pass}. {@link #deleted}
     * reads the answer.
     */
    public static Future<RowSet<Row>> deleteUnlinkedBefore(
            Transaction transaction, AccountId account, long pass, int most) {
        return transaction.query("""
                delete from email e
                using (select ctid as row from email
                       where account_id = $1 and unlinked_pass < $2 order by unlinked_pass limit $3) gone
                where e.ctid = gone.row
                returning e.email_id""", account.value(), pass, (long) most);
    }

    /** The ids of the deleted emails. */
    public static List<UUID> deleted(RowSet<Row> answer) {
        List<UUID> deleted = new ArrayList<>(answer.size());
        answer.forEach(row -> deleted.add(row.getUUID("email_id")));
        return deleted;
    }

    private static String joined(Collection<UUID> ids) {
        return ids.stream().map(UUID::toString).collect(Collectors.joining(","));
    }

    private static List<StoredEmail> withLinks(Transaction transaction, AccountId account, List<Row> rows) {
        Map<UUID, Row> byId = new LinkedHashMap<>();
        rows.forEach(row -> byId.put(row.getUUID("email_id"), row));
        if (byId.isEmpty()) {
            return List.of();
        }
        Map<UUID, Map<Location, EmailMailboxTable.StoredLink>> links =
                EmailMailboxTable.linksOf(transaction, account, byId.keySet());
        return byId.entrySet().stream()
                .map(entry -> stored(entry.getValue(), links.getOrDefault(entry.getKey(), Map.of())))
                .toList();
    }

    private static StoredEmail stored(Row row, Map<Location, EmailMailboxTable.StoredLink> storedLinks) {
        List<String> keywords = List.of(row.getArrayOfStrings("keywords"));
        Map<Location, Link> links = new HashMap<>();
        storedLinks.forEach((location, link) -> links.put(
                location,
                new Link(link.uidValidity(), link.modSeq(), link.keywords().orElse(keywords))));
        UUID[] unlinkedFrom = row.getArrayOfUUIDs("unlinked_from");
        return new StoredEmail(
                row.getUUID("email_id"),
                Optional.ofNullable(row.getString("identity")).map(EmailIdentity::of),
                row.getUUID("thread_id"),
                Optional.ofNullable(row.getString("blob_id")),
                new Fingerprint(
                        Optional.ofNullable(row.getString("message_id")),
                        row.getLong("size"),
                        row.getOffsetDateTime("received_at").toInstant(),
                        Optional.ofNullable(row.getString("header_hash"))),
                keywords,
                new Content(row.getString("headers"), row.getBoolean("has_attachment"), row.getString("preview")),
                Optional.ofNullable(row.getLong("unlinked_pass")),
                unlinkedFrom == null ? Set.of() : Set.copyOf(Arrays.asList(unlinkedFrom)),
                links);
    }
}
