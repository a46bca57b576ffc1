package org.postbus.fetcher.store;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

    /** The mailboxes that hold an email with the same marks as one of these messages. */
    public Set<MailboxKey> mailboxesOfLikelyOriginals(List<CopyMarks> messages) throws InterruptedException {
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
                select distinct m.server_key
                from unnest($2::timestamptz[], $3::bigint[]) k(received_at, size)
                cross join lateral (
                  select email_id, size from email
                  where account_id = $1 and received_at between k.received_at and k.received_at
                  order by received_at desc, email_id desc offset 0) e
                join email_mailbox l on l.account_id = $1 and l.email_id = e.email_id
                join mailbox m on m.account_id = $1 and m.mailbox_id = l.mailbox_id
                where e.size = k.size""",
                found -> {
                    Set<MailboxKey> mailboxes = new HashSet<>();
                    found.forEach(row -> mailboxes.add(MailboxKey.of(row.getString("server_key"))));
                    return mailboxes;
                },
                dates,
                sizes);
    }
}
