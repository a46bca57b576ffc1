package org.postbus.outbound.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.MailboxKey;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/** Reads the {@link ServerSnapshot} of a claim from {@code email}, {@code email_mailbox} and {@code mailbox}. */
public final class ServerSnapshotTables {
    private static final String EMAILS = """
            select e.email_id, e.identity, e.message_id, l.mailbox_id, l.uidvalidity, l.uid
            from email e left join email_mailbox l using (account_id, email_id)
            where e.account_id = $1 and e.email_id = any($2)
            order by l.mailbox_id, l.uid
            """;

    private static final String MAILBOXES = """
            select mailbox_id, server_key, raw_name, path, role, selectable
            from mailbox where account_id = $1 and (mailbox_id = any($2) or role in ('all', 'junk', 'trash'))
            """;

    public Future<ServerSnapshot> read(SqlConnection connection, AccountId account, MutationClaim claim) {
        Collection<EmailMutation> mutations = claim.mutations();
        UUID[] emailIds = mutations.stream()
                .map(mutation -> mutation.emailId().value())
                .distinct()
                .toArray(UUID[]::new);
        Set<UUID> mailboxIds = new HashSet<>();
        for (EmailMutation mutation : mutations) {
            if (mutation.change() instanceof EmailMutation.Change.Update update) {
                update.mailboxIds().keySet().forEach(mailbox -> mailboxIds.add(mailbox.value()));
            }
        }
        claim.mailboxMutation().ifPresent(mutation -> {
            mailboxIds.add(mutation.mailboxId().value());
            switch (mutation.change()) {
                case MailboxMutation.Change.Create(var name, var parent) ->
                    parent.ifPresent(id -> mailboxIds.add(id.value()));
                case MailboxMutation.Change.Update(var name, var parent) ->
                    parent.flatMap(id -> id).ifPresent(id -> mailboxIds.add(id.value()));
                case MailboxMutation.Change.Destroy destroy -> {}
            }
        });
        return connection
                .preparedQuery(EMAILS)
                .execute(Tuple.of(account.value()).addArrayOfUUID(emailIds))
                .map(ServerSnapshotTables::emails)
                .compose(emails -> {
                    emails.values()
                            .forEach(email -> email.locations()
                                    .forEach(location ->
                                            mailboxIds.add(location.mailboxId().value())));
                    return connection
                            .preparedQuery(MAILBOXES)
                            .execute(Tuple.of(account.value()).addArrayOfUUID(mailboxIds.toArray(UUID[]::new)))
                            .map(rows -> new ServerSnapshot(emails, mailboxes(rows)));
                });
    }

    private static Map<EmailId, ServerSnapshot.EmailSnapshot> emails(Iterable<Row> rows) {
        Map<EmailId, ServerSnapshot.EmailSnapshot> emails = new HashMap<>();
        for (Row row : rows) {
            var id = new EmailId(row.getUUID("email_id"));
            ServerSnapshot.EmailSnapshot before = emails.get(id);
            List<ServerSnapshot.Location> locations =
                    before == null ? new ArrayList<>() : new ArrayList<>(before.locations());
            UUID mailbox = row.getUUID("mailbox_id");
            if (mailbox != null) {
                locations.add(new ServerSnapshot.Location(
                        new MailboxId(mailbox), row.getLong("uidvalidity"), row.getLong("uid")));
            }
            emails.put(
                    id,
                    new ServerSnapshot.EmailSnapshot(
                            Optional.ofNullable(row.getString("identity")).map(EmailIdentity::of),
                            Optional.ofNullable(row.getString("message_id")),
                            locations));
        }
        return emails;
    }

    private static Map<MailboxId, ServerSnapshot.MailboxSnapshot> mailboxes(Iterable<Row> rows) {
        Map<MailboxId, ServerSnapshot.MailboxSnapshot> mailboxes = new HashMap<>();
        for (Row row : rows) {
            mailboxes.put(
                    new MailboxId(row.getUUID("mailbox_id")),
                    new ServerSnapshot.MailboxSnapshot(
                            MailboxKey.of(row.getString("server_key")),
                            Optional.ofNullable(row.getString("raw_name")),
                            row.getString("path"),
                            Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                            row.getBoolean("selectable")));
        }
        return mailboxes;
    }
}
