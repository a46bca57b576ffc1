package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.sqlclient.Row;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.UidRange;
import org.postbus.writer.decide.EmailDifference.LinkKey;
import org.postbus.writer.decide.EmailDifference.LinkRow;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.StoredEmail.Location;

/** {@code email_mailbox}: the locations of emails. */
public final class EmailMailboxTable {
    private static final long UID_MAX = 0xFFFF_FFFFL;

    private EmailMailboxTable() {}

    /** @param keywords empty: those of the email */
    record StoredLink(long uidValidity, Optional<Long> modSeq, Optional<List<String>> keywords) {}

    static Map<UUID, Map<Location, StoredLink>> linksOf(
            Transaction transaction, AccountId account, Collection<UUID> emails) {
        Map<UUID, Map<Location, StoredLink>> links = new HashMap<>();
        for (Row row : transaction.run("""
                select l.email_id, l.mailbox_id, l.uid, l.uidvalidity, l.modseq, l.keywords
                from unnest($2::uuid[]) k(email_id)
                cross join lateral (
                  select * from email_mailbox
                  where account_id = $1 and email_id between k.email_id and k.email_id order by email_id offset 0) l""", account.value(), emails.toArray(UUID[]::new))) {
            links.computeIfAbsent(row.getUUID("email_id"), email -> new HashMap<>())
                    .put(
                            new Location(row.getUUID("mailbox_id"), row.getLong("uid")),
                            new StoredLink(
                                    row.getLong("uidvalidity"),
                                    Optional.ofNullable(row.getLong("modseq")),
                                    Optional.ofNullable(row.getArrayOfStrings("keywords"))
                                            .map(List::of)));
        }
        return links;
    }

    public static void save(Transaction transaction, TenantId tenant, AccountId account, List<LinkRow> links) {
        transaction.send(
                """
                insert into email_mailbox (account_id, tenant_id, mailbox_id, uid, email_id, uidvalidity, modseq, keywords,
                                           received_at)
                select $1, $2, n.mailbox_id, n.uid, n.email_id, n.uidvalidity, n.modseq, string_to_array(n.keywords, ' '),
                       n.received_at
                from unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::bigint[], $7::bigint[], $8::text[], $9::timestamptz[])
                  n(mailbox_id, uid, email_id, uidvalidity, modseq, keywords, received_at)
                on conflict (account_id, mailbox_id, uid, email_id) do update set
                  uidvalidity = excluded.uidvalidity, modseq = excluded.modseq, keywords = excluded.keywords""",
                account.value(),
                tenant.value(),
                column(links, link -> link.location().mailboxId(), UUID[]::new),
                column(links, link -> link.location().uid(), Long[]::new),
                column(links, LinkRow::emailId, UUID[]::new),
                column(links, link -> link.link().uidValidity(), Long[]::new),
                column(links, link -> link.link().modSeq().orElse(null), Long[]::new),
                column(
                        links,
                        link -> link.keywords()
                                .map(keywords -> String.join(" ", keywords))
                                .orElse(null),
                        String[]::new),
                column(links, link -> Columns.time(link.receivedAt()), OffsetDateTime[]::new));
    }

    public static void delete(Transaction transaction, AccountId account, List<LinkKey> links) {
        transaction.send(
                """
                delete from email_mailbox l
                using unnest($2::uuid[], $3::bigint[], $4::uuid[]) k(mailbox_id, uid, email_id)
                cross join lateral (
                  select ctid as row from email_mailbox
                  where account_id = $1 and mailbox_id = k.mailbox_id and uid between k.uid and k.uid
                    and email_id = k.email_id order by uid offset 0) at
                where l.ctid = at.row""",
                account.value(),
                column(links, link -> link.location().mailboxId(), UUID[]::new),
                column(links, link -> link.location().uid(), Long[]::new),
                column(links, LinkKey::emailId, UUID[]::new));
    }

    /** @param isOnly whether the email has no other link */
    public record SelectedLink(LinkKey key, boolean isOnly) {}

    /** At most {@code most} links of the selection, in the order of their UIDs. */
    public static List<SelectedLink> select(
            Transaction transaction, AccountId account, LinkSelection selection, int most) {
        Object[] parameters = Arrays.copyOf(parameters(account, selection), 7);
        parameters[6] = (long) most;
        List<SelectedLink> links = new ArrayList<>();
        for (Row row : transaction.run("""
                select l.uid, l.email_id,
                       not exists (
                         select from (
                           select mailbox_id, uid from email_mailbox
                           where account_id = $1 and email_id between l.email_id and l.email_id order by email_id
                           offset 0) o
                         where o.mailbox_id <> $2 or o.uid <> l.uid) as only
                from (
                  select s.uid, s.email_id
                  from unnest($3::bigint[], $4::bigint[]) r(first, last)
                  cross join lateral (
                    select uid, email_id from email_mailbox
                    where account_id = $1 and mailbox_id = $2 and uid between r.first and r.last
                      and (uidvalidity = $5) is not false and (uidvalidity <> $6) is not false
                    order by uid offset 0) s
                  limit $7) l""", parameters)) {
            links.add(new SelectedLink(
                    new LinkKey(row.getUUID("email_id"), new Location(selection.mailboxId(), row.getLong("uid"))),
                    row.getBoolean("only")));
        }
        return links;
    }

    /** $1 to $6 of the statements that take a selection: account, mailbox, first and last UIDs, UIDVALIDITY selected and excluded. */
    static Object[] parameters(AccountId account, LinkSelection selection) {
        Long[] first = selection.isWholeMailbox()
                ? new Long[] {0L}
                : selection.uids().stream().map(UidRange::first).toArray(Long[]::new);
        Long[] last = selection.isWholeMailbox()
                ? new Long[] {UID_MAX}
                : selection.uids().stream().map(UidRange::last).toArray(Long[]::new);
        return new Object[] {
            account.value(),
            selection.mailboxId(),
            first,
            last,
            selection.under().orElse(null),
            selection.notUnder().orElse(null)
        };
    }
}
