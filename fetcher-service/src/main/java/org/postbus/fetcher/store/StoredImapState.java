package org.postbus.fetcher.store;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.Keyword;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.UidRange;

/** What the writer has stored of an IMAP account's mailboxes: UIDs, keywords and likely originals of copies. */
public final class StoredImapState {
    private final AccountRows rows;

    public StoredImapState(TenantTransactions transactions, Claim claim) {
        this.rows = new AccountRows(transactions, claim);
    }

    /** The UIDs that are linked to a mailbox. */
    public UidSet uids(MailboxKey mailbox, long uidValidity) throws InterruptedException {
        return rows.read(
                "reading UIDs",
                """
                select min(uid) as first, max(uid) as last from (
                  select l.uid, l.uid - row_number() over (order by l.uid) as island
                  from (select distinct e.uid from email_mailbox e
                        join mailbox m on m.account_id = e.account_id and m.mailbox_id = e.mailbox_id
                        where m.account_id = $1 and m.server_key = $2 and e.uidvalidity = $3 and e.uid > 0) l
                ) islands group by island""",
                found -> {
                    List<UidRange> ranges = new ArrayList<>();
                    found.forEach(row -> ranges.add(new UidRange(row.getLong("first"), row.getLong("last"))));
                    return UidSet.of(ranges);
                },
                mailbox.value(),
                uidValidity);
    }

    /** Messages that could not be read and are due by what is stored: a user may have asked for it since the account was claimed. */
    public Set<StoredReadFailures.Location> dueNotRead(Instant now) throws InterruptedException {
        return StoredReadFailures.dueMessages(rows, now);
    }

    /** Where the emails are whose mutations a pass is to confirm, at most {@code most} emails. */
    public Set<StoredReadFailures.Location> locationsToConfirm(int most) throws InterruptedException {
        return rows.read(
                "reading which mutations are to be confirmed",
                "select server_key, uidvalidity, uid from locations_to_confirm($1, $2)",
                found -> {
                    Set<StoredReadFailures.Location> locations = new HashSet<>();
                    found.forEach(row -> locations.add(StoredReadFailures.location(row)));
                    return locations;
                },
                most);
    }

    /** How many messages of a mailbox are stored, and how many of them without {@code $seen}. */
    public record Counts(long total, long unread) {}

    /** By mailbox; those without messages are left out. */
    public Map<MailboxKey, Counts> counts(List<MailboxKey> mailboxes) throws InterruptedException {
        return rows.read(
                "counting messages",
                """
                select m.server_key, count(*) as total,
                       count(*) filter (where not '$seen' = any (coalesce(l.keywords, e.keywords))) as unread
                from mailbox m
                join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                join email e on e.account_id = l.account_id and e.email_id = l.email_id
                where m.account_id = $1 and m.server_key = any ($2::text[])
                group by m.server_key""",
                found -> {
                    Map<MailboxKey, Counts> counts = new HashMap<>();
                    found.forEach(row -> counts.put(
                            MailboxKey.of(row.getString("server_key")),
                            new Counts(row.getLong("total"), row.getLong("unread"))));
                    return counts;
                },
                (Object) mailboxes.stream().map(MailboxKey::value).toArray(String[]::new));
    }

    /** The highest UID that is linked to a mailbox; empty if none is. */
    public OptionalLong newestUid(MailboxKey mailbox, long uidValidity) throws InterruptedException {
        return rows.read(
                "reading the newest UID",
                """
                select l.uid from mailbox m
                join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                where m.account_id = $1 and m.server_key = $2 and l.uidvalidity = $3 and l.uid > 0
                order by l.uid desc limit 1""",
                found -> found.size() == 0
                        ? OptionalLong.empty()
                        : OptionalLong.of(found.iterator().next().getLong("uid")),
                mailbox.value(),
                uidValidity);
    }

    /** The keywords of the messages of a mailbox, by UID. */
    public Map<Long, Set<Keyword>> keywords(MailboxKey mailbox, long uidValidity, UidRange uids)
            throws InterruptedException {
        return rows.read(
                "reading keywords",
                """
                select l.uid, coalesce(l.keywords, e.keywords) as keywords from mailbox m
                join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                join email e on e.account_id = l.account_id and e.email_id = l.email_id
                where m.account_id = $1 and m.server_key = $2 and l.uidvalidity = $3
                  and l.uid between $4 and $5""",
                found -> {
                    Map<Long, Set<Keyword>> keywords = new HashMap<>();
                    found.forEach(row -> {
                        Set<Keyword> ofMessage = new TreeSet<>();
                        for (String keyword : row.getArrayOfStrings("keywords")) {
                            ofMessage.add(new Keyword(keyword));
                        }
                        keywords.put(row.getLong("uid"), ofMessage);
                    });
                    return keywords;
                },
                mailbox.value(),
                uidValidity,
                uids.first(),
                uids.last());
    }

    /** INTERNALDATE and RFC822.SIZE of a message: both stay the same when it is copied. */
    public record CopyMarks(Instant receivedAt, long size) {}

    /**
     * Of these messages, those that have the marks of an email in another mailbox than theirs, with the mailboxes that hold such emails.
     *
     * @param mailbox of the messages
     */
    public Map<CopyMarks, Set<MailboxKey>> likelyOriginals(List<CopyMarks> messages, MailboxKey mailbox)
            throws InterruptedException {
        OffsetDateTime[] dates = messages.stream()
                .map(message -> message.receivedAt().atOffset(ZoneOffset.UTC))
                .toArray(OffsetDateTime[]::new);
        Long[] sizes = messages.stream().map(CopyMarks::size).toArray(Long[]::new);
        return rows.read(
                "looking for copies",
                // The lateral subquery with "between" and "offset 0" forces the index on dates: without statistics all
                // indexes that begin
                // with the account cost the planner the same.
                """
                select distinct k.position, m.server_key
                from unnest($2::timestamptz[], $3::bigint[]) with ordinality k(received_at, size, position)
                cross join lateral (
                  select email_id, size from email
                  where account_id = $1 and received_at between k.received_at and k.received_at
                  order by received_at desc, email_id desc offset 0) e
                join email_mailbox l on l.account_id = $1 and l.email_id = e.email_id
                join mailbox m on m.account_id = $1 and m.mailbox_id = l.mailbox_id
                where e.size = k.size and m.server_key <> $4""",
                found -> {
                    Map<CopyMarks, Set<MailboxKey>> originals = new HashMap<>();
                    found.forEach(row -> originals
                            .computeIfAbsent(
                                    messages.get((int) (row.getLong("position") - 1)), unused -> new HashSet<>())
                            .add(MailboxKey.of(row.getString("server_key"))));
                    return originals;
                },
                dates,
                sizes,
                mailbox.value());
    }
}
