package org.postbus.fetcher.store;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.UidRange;

/**
 * What the writer has stored of a Gmail account's labels. An email is linked to a label's mailbox with UID 0, and to the mailbox in which it
 * is stored on the server with its UID there.
 */
public final class StoredLabels {
    private final AccountRows rows;

    public StoredLabels(TenantTransactions transactions, Claim claim) {
        this.rows = new AccountRows(transactions, claim);
    }

    /** By UID, the mailboxes of the emails of a mailbox: this one, and those of their labels. */
    public Map<Long, Set<MailboxKey>> mailboxes(MailboxKey mailbox, long uidValidity, UidRange uids)
            throws InterruptedException {
        return rows.read(
                "reading labels",
                """
                select l.uid, array(
                  select lm.server_key from email_mailbox o
                  join mailbox lm on lm.account_id = o.account_id and lm.mailbox_id = o.mailbox_id
                  where o.account_id = l.account_id and o.email_id = l.email_id and o.uid = 0) as labels
                from mailbox m
                join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                where m.account_id = $1 and m.server_key = $2 and l.uidvalidity = $3
                  and l.uid between $4 and $5""",
                found -> {
                    Map<Long, Set<MailboxKey>> mailboxes = new HashMap<>();
                    found.forEach(row -> {
                        Set<MailboxKey> ofEmail = new HashSet<>(Set.of(mailbox));
                        for (String label : row.getArrayOfStrings("labels")) {
                            ofEmail.add(MailboxKey.of(label));
                        }
                        mailboxes.put(row.getLong("uid"), ofEmail);
                    });
                    return mailboxes;
                },
                mailbox.value(),
                uidValidity,
                uids.first(),
                uids.last());
    }

    /** How many emails have a label, by the label's mailbox; labels without emails are left out. */
    public Map<MailboxKey, Long> counts() throws InterruptedException {
        return rows.read("counting labels", """
                select m.server_key, c.links as emails from mailbox m
                join mailbox_links c on c.account_id = m.account_id and c.mailbox_id = m.mailbox_id and c.uidvalidity = 0
                where m.account_id = $1 and c.links > 0""", found -> {
            Map<MailboxKey, Long> counts = new HashMap<>();
            found.forEach(row -> counts.put(MailboxKey.of(row.getString("server_key")), row.getLong("emails")));
            return counts;
        });
    }

    /** The identities of the emails that have a label. */
    public Set<String> identities(MailboxKey label) throws InterruptedException {
        return rows.read(
                "reading the emails of a label",
                """
                select e.identity from mailbox m
                join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id and l.uid = 0
                join email e on e.account_id = l.account_id and e.email_id = l.email_id
                where m.account_id = $1 and m.server_key = $2 and e.identity is not null""",
                found -> {
                    Set<String> identities = new HashSet<>();
                    found.forEach(row -> identities.add(row.getString("identity")));
                    return identities;
                },
                label.value());
    }

    /** The UIDs in a mailbox of the emails with these identities; emails that are not in it are left out. */
    public List<Long> uids(MailboxKey mailbox, long uidValidity, Set<String> identities) throws InterruptedException {
        return rows.read(
                "reading the UIDs of emails",
                """
                select l.uid from unnest($4::text[]) k(identity)
                join email e on e.account_id = $1 and e.identity = k.identity
                join email_mailbox l on l.account_id = e.account_id and l.email_id = e.email_id
                join mailbox m on m.account_id = l.account_id and m.mailbox_id = l.mailbox_id
                where m.server_key = $2 and l.uidvalidity = $3 and l.uid > 0""",
                found -> {
                    List<Long> uids = new ArrayList<>();
                    found.forEach(row -> uids.add(row.getLong("uid")));
                    return uids;
                },
                mailbox.value(),
                uidValidity,
                identities.toArray(String[]::new));
    }
}
