package org.postbus.writer.table;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.OpenMutation;

/**
 * {@code pending_changes}: the mutations. The writer reads which of them caused a change, and confirms those that a pass has verified. The queue
 * itself (claims, outcomes, {@code applied_pass}) belongs to outbound-service and is in its class of the same name.
 */
public final class PendingChangesTable {
    private PendingChangesTable() {}

    /**
     * Mutations of these emails that are being sent or have been applied, for each email the oldest first.
     *
     * <p>ORDER BY forces the planner to use the index of open mutations. While the table is new the planner prefers the primary key, with which
     * the statement scans all mutations of the account, including those that ended long ago.
     */
    public static List<OpenMutation> inProgress(Transaction transaction, AccountId account, Collection<UUID> emails) {
        List<OpenMutation> mutations = new ArrayList<>();
        for (Row row : transaction.run("""
                select p.mutation_id, p.email_id, p.kind, p.patch::text as patch
                from unnest($2::uuid[]) k(email_id)
                cross join lateral (
                  select * from pending_changes
                  where account_id = $1 and email_id between k.email_id and k.email_id and state in ('sending', 'applied')
                  order by email_id, mutation_id offset 0) p""", account.value(), emails.toArray(UUID[]::new))) {
            mutations.add(new OpenMutation(
                    new MutationId(row.getUUID("mutation_id")),
                    row.getUUID("email_id"),
                    row.getString("kind").equals("destroy"),
                    EventCodec.decode(row.getString("patch"), JsonNode.class)));
        }
        return mutations;
    }

    /** The ids of mailboxes that open mutations create, by their position: the mailbox gets the id that its mutation was answered with. */
    public static Map<MailboxTree.Position, UUID> requestedMailboxes(Transaction transaction, AccountId account) {
        Map<MailboxTree.Position, UUID> requested = new HashMap<>();
        for (Row row : transaction.run("""
                select mailbox_id, patch ->> 'name' as name, (patch ->> 'parentId')::uuid as parent_id from pending_changes
                where account_id = $1 and email_id is null and kind = 'mailbox-create'
                  and state in ('queued', 'sending', 'applied')""", account.value())) {
            requested.put(
                    new MailboxTree.Position(Optional.ofNullable(row.getUUID("parent_id")), row.getString("name")),
                    row.getUUID("mailbox_id"));
        }
        return requested;
    }

    /**
     * Sends a statement that confirms mutations that were applied before the pass with this number began: at most {@code most}, in the order of
     * the passes in which they were applied, and of their ids. {@link #confirmed} reads the answer. Mutations that were refused before it, because the
     * stored state differed from the server's, are due again: the pass has read that state.
     *
     * <p>ORDER BY forces the planner to use the index of applied mutations. A row that outbound changes at the same time is left out and
     * confirmed by the next pass.
     */
    public static Future<RowSet<Row>> confirmAppliedBefore(
            Transaction transaction, AccountId account, long pass, int most) {
        return transaction.query("""
                with fresh as (
                  update pending_changes set after_pass = null, next_try_at = now()
                  where ctid = any (array(
                    select ctid from pending_changes
                    where account_id = $1 and state = 'queued' and after_pass < $2 order by after_pass))),
                due as (
                  select ctid as row from pending_changes
                  where account_id = $1 and state = 'applied' and applied_pass < $2
                  order by applied_pass, mutation_id limit $3),
                confirmed as (
                  update pending_changes p set state = 'confirmed', updated_at = now()
                  from due where p.ctid = due.row
                  returning p.applied_pass, p.mutation_id, p.email_id)
                select mutation_id, email_id from confirmed order by applied_pass, mutation_id""", account.value(), pass, (long) most);
    }

    public static List<MutationConfirmed> confirmed(RowSet<Row> answer) {
        List<MutationConfirmed> confirmed = new ArrayList<>(answer.size());
        for (Row row : answer) {
            confirmed.add(new MutationConfirmed(
                    new MutationId(row.getUUID("mutation_id")),
                    Optional.ofNullable(row.getUUID("email_id")).map(EmailId::new)));
        }
        return confirmed;
    }
}
