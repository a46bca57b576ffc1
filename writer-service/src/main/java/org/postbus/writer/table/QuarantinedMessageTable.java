package org.postbus.writer.table;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.ReadFailures;
import org.postbus.writer.decide.LinkSelection;

/**
 * {@code quarantined_message} and, for JMAP, {@code quarantined_email}: messages that exist on the server and could not be read, deferred or
 * quarantined. An account has none or a few.
 */
public final class QuarantinedMessageTable {
    private static final String STATE = """
            reason = excluded.reason, state = excluded.state, refusals = excluded.refusals, retries = excluded.retries,
            last_failed_at = excluded.last_failed_at, next_try_at = excluded.next_try_at,
            at = case when q.state = excluded.state then q.at else now() end""";

    private QuarantinedMessageTable() {}

    /** @param now for records of earlier builds, whose messages are quarantined and tried again at once */
    public static void save(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            UUID mailbox,
            MessageNotRead message,
            Instant now) {
        ReadFailures failures = message.failures().orElseGet(() -> ofEarlierBuild(now));
        transaction.send(
                """
                insert into quarantined_message as q
                  (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason, state, refusals, retries,
                   first_failed_at, last_failed_at, next_try_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                on conflict (account_id, mailbox_id, uidvalidity, uid) do update set\s""" + STATE,
                account.value(),
                tenant.value(),
                mailbox,
                message.uidValidity(),
                message.uid(),
                message.reason(),
                state(failures),
                failures.refusals(),
                failures.retries(),
                failures.firstAt().atOffset(ZoneOffset.UTC),
                failures.lastAt().atOffset(ZoneOffset.UTC),
                failures.nextTryAt().atOffset(ZoneOffset.UTC));
    }

    /** @param message of JMAP, with its id and failures */
    public static void saveEmail(
            Transaction transaction, TenantId tenant, AccountId account, MessageNotRead message, Instant now) {
        ReadFailures failures = message.failures().orElseGet(() -> ofEarlierBuild(now));
        transaction.send(
                """
                insert into quarantined_email as q
                  (account_id, tenant_id, jmap_id, reason, state, refusals, retries, first_failed_at, last_failed_at, next_try_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                on conflict (account_id, jmap_id) do update set\s""" + STATE,
                account.value(),
                tenant.value(),
                message.jmapId().orElseThrow(),
                message.reason(),
                state(failures),
                failures.refusals(),
                failures.retries(),
                failures.firstAt().atOffset(ZoneOffset.UTC),
                failures.lastAt().atOffset(ZoneOffset.UTC),
                failures.nextTryAt().atOffset(ZoneOffset.UTC));
    }

    private static ReadFailures ofEarlierBuild(Instant now) {
        return new ReadFailures(true, 0, 0, now, now, now);
    }

    private static String state(ReadFailures failures) {
        return failures.quarantined() ? "quarantined" : "deferred";
    }

    public static void delete(Transaction transaction, AccountId account, LinkSelection gone) {
        transaction.send("""
                delete from quarantined_message q
                using unnest($3::bigint[], $4::bigint[]) r(first, last)
                where q.account_id = $1 and q.mailbox_id = $2 and q.uid between r.first and r.last
                  and ($5::bigint is null or q.uidvalidity = $5) and ($6::bigint is null or q.uidvalidity <> $6)""", EmailMailboxTable.parameters(account, gone));
    }

    /** Deletes the rows of emails that were destroyed on the server. */
    public static void deleteEmails(Transaction transaction, AccountId account, Collection<String> jmapIds) {
        transaction.send(
                "delete from quarantined_email where account_id = $1 and jmap_id = any ($2::text[])",
                account.value(),
                jmapIds.toArray(String[]::new));
    }

    /** Deletes the rows of messages that have been read in the meantime. */
    public static void deleteLinked(Transaction transaction, AccountId account) {
        transaction.send("""
                delete from quarantined_message q using email_mailbox l
                where q.account_id = $1 and l.account_id = $1 and l.mailbox_id = q.mailbox_id and l.uid = q.uid
                  and l.uidvalidity = q.uidvalidity""", account.value());
        // The subquery is evaluated for each of the few rows: joined, the planner might scan all emails of the account.
        transaction.send("""
                delete from quarantined_email q
                where q.account_id = $1 and exists (
                  select from email e
                  where e.account_id = $1 and e.identity between 'jmap:' || q.jmap_id and 'jmap:' || q.jmap_id
                  order by e.identity offset 0)""", account.value());
    }
}
