package org.postbus.writer.table;

import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation.MessageQuarantined;
import org.postbus.writer.decide.LinkSelection;

/** {@code quarantined_message}: messages that the server lists but that can not be read. An account has none or a few. */
public final class QuarantinedMessageTable {
    private QuarantinedMessageTable() {}

    public static void save(
            Transaction transaction, TenantId tenant, AccountId account, UUID mailbox, MessageQuarantined message) {
        transaction.send(
                """
                insert into quarantined_message as q (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason)
                values ($1, $2, $3, $4, $5, $6)
                on conflict (account_id, mailbox_id, uidvalidity, uid) do update set reason = excluded.reason
                  where q.reason <> excluded.reason""", account.value(), tenant.value(), mailbox, message.uidValidity(), message.uid(), message.reason());
    }

    public static void delete(Transaction transaction, AccountId account, LinkSelection gone) {
        transaction.send("""
                delete from quarantined_message q
                using unnest($3::bigint[], $4::bigint[]) r(first, last)
                where q.account_id = $1 and q.mailbox_id = $2 and q.uid between r.first and r.last
                  and ($5::bigint is null or q.uidvalidity = $5) and ($6::bigint is null or q.uidvalidity <> $6)""", EmailMailboxTable.parameters(account, gone));
    }

    /** Deletes the rows of messages that have been read in the meantime. */
    public static void deleteLinked(Transaction transaction, AccountId account) {
        transaction.send("""
                delete from quarantined_message q using email_mailbox l
                where q.account_id = $1 and l.account_id = $1 and l.mailbox_id = q.mailbox_id and l.uid = q.uid
                  and l.uidvalidity = q.uidvalidity""", account.value());
    }
}
