package org.postbus.writer.table;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.sqlclient.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.writer.decide.OpenMutation;

/** {@code pending_changes}: wishes. The writer asks which one a change fulfils, and confirms those that a pass has seen. */
public final class PendingChangesTable {
    private PendingChangesTable() {}

    /**
     * Wishes about these emails that are at the server or may be, of each email the oldest first. In the order of the index of what is open: the
     * primary key, which the planner takes otherwise while the table is new, leads past all wishes that the account ever had.
     */
    public static List<OpenMutation> underWay(Transaction transaction, AccountId account, Collection<UUID> emails) {
        List<OpenMutation> wishes = new ArrayList<>();
        for (Row row : transaction.run("""
                select p.mutation_id, p.email_id, p.kind, p.patch::text as patch
                from unnest($2::uuid[]) k(email_id)
                cross join lateral (
                  select * from pending_changes
                  where account_id = $1 and email_id between k.email_id and k.email_id and state in ('sending', 'applied')
                  order by email_id, mutation_id offset 0) p""", account.value(), emails.toArray(UUID[]::new))) {
            wishes.add(new OpenMutation(
                    new MutationId(row.getUUID("mutation_id")),
                    row.getUUID("email_id"),
                    row.getString("kind").equals("destroy"),
                    EventCodec.decode(row.getString("patch"), JsonNode.class)));
        }
        return wishes;
    }

    /** Where a mailbox is to be. */
    public record Place(Optional<UUID> parentId, String name) {}

    /** The ids that mailboxes will have which somebody wants created, by their place. */
    public static Map<Place, UUID> expectedMailboxes(Transaction transaction, AccountId account) {
        Map<Place, UUID> expected = new HashMap<>();
        for (Row row : transaction.run("""
                select mailbox_id, patch ->> 'name' as name, (patch ->> 'parentId')::uuid as parent_id from pending_changes
                where account_id = $1 and email_id is null and kind = 'mailbox-create'
                  and state in ('queued', 'sending', 'applied')""", account.value())) {
            expected.put(
                    new Place(Optional.ofNullable(row.getUUID("parent_id")), row.getString("name")),
                    row.getUUID("mailbox_id"));
        }
        return expected;
    }

    /** @return those that were not confirmed yet, oldest first */
    public static List<MutationConfirmed> confirm(Transaction transaction, AccountId account, List<MutationId> mutations) {
        List<MutationConfirmed> confirmed = new ArrayList<>();
        for (Row row : transaction.run(
                """
                with confirmed as (
                  update pending_changes set state = 'confirmed', updated_at = now()
                  where account_id = $1 and mutation_id = any($2::uuid[]) and state = 'applied'
                  returning mutation_id, email_id)
                select mutation_id, email_id from confirmed order by mutation_id""", account.value(), mutations.stream().map(MutationId::value).toArray(UUID[]::new))) {
            confirmed.add(new MutationConfirmed(
                    new MutationId(row.getUUID("mutation_id")),
                    Optional.ofNullable(row.getUUID("email_id")).map(EmailId::new)));
        }
        return confirmed;
    }
}
