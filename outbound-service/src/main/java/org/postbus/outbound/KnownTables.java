package org.postbus.outbound;

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
import org.postbus.observation.MailboxKey;
import org.postbus.outbound.PendingChangesTable.Claim;

/** Reads from {@code email}, {@code email_mailbox} and {@code mailbox} where the emails of some wishes are. */
final class KnownTables {
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

    Future<Known> read(SqlConnection connection, AccountId account, Claim claim) {
        Collection<Wish> wishes = claim.wishes();
        UUID[] emailIds =
                wishes.stream().map(wish -> wish.emailId().value()).distinct().toArray(UUID[]::new);
        Set<UUID> mailboxIds = new HashSet<>();
        for (Wish wish : wishes) {
            if (wish.change() instanceof Wish.Change.Update update) {
                update.mailboxIds().keySet().forEach(mailbox -> mailboxIds.add(mailbox.value()));
            }
        }
        claim.mailboxWish().ifPresent(wish -> {
            mailboxIds.add(wish.mailboxId().value());
            switch (wish.change()) {
                case MailboxWish.Change.Create(var name, var parent) ->
                    parent.ifPresent(id -> mailboxIds.add(id.value()));
                case MailboxWish.Change.Update(var name, var parent) ->
                    parent.flatMap(id -> id).ifPresent(id -> mailboxIds.add(id.value()));
                case MailboxWish.Change.Destroy destroy -> {}
            }
        });
        return connection
                .preparedQuery(EMAILS)
                .execute(Tuple.of(account.value()).addArrayOfUUID(emailIds))
                .map(KnownTables::emails)
                .compose(emails -> {
                    emails.values()
                            .forEach(email -> email.links()
                                    .forEach(link ->
                                            mailboxIds.add(link.mailboxId().value())));
                    return connection
                            .preparedQuery(MAILBOXES)
                            .execute(Tuple.of(account.value()).addArrayOfUUID(mailboxIds.toArray(UUID[]::new)))
                            .map(rows -> new Known(emails, mailboxes(rows)));
                });
    }

    private static Map<EmailId, Known.KnownEmail> emails(Iterable<Row> rows) {
        Map<EmailId, Known.KnownEmail> emails = new HashMap<>();
        for (Row row : rows) {
            var id = new EmailId(row.getUUID("email_id"));
            Known.KnownEmail before = emails.get(id);
            List<Known.Link> links = before == null ? new ArrayList<>() : new ArrayList<>(before.links());
            UUID mailbox = row.getUUID("mailbox_id");
            if (mailbox != null) {
                links.add(new Known.Link(new MailboxId(mailbox), row.getLong("uidvalidity"), row.getLong("uid")));
            }
            emails.put(
                    id,
                    new Known.KnownEmail(
                            Optional.ofNullable(row.getString("identity")),
                            Optional.ofNullable(row.getString("message_id")),
                            links));
        }
        return emails;
    }

    private static Map<MailboxId, Known.KnownMailbox> mailboxes(Iterable<Row> rows) {
        Map<MailboxId, Known.KnownMailbox> mailboxes = new HashMap<>();
        for (Row row : rows) {
            mailboxes.put(
                    new MailboxId(row.getUUID("mailbox_id")),
                    new Known.KnownMailbox(
                            MailboxKey.of(row.getString("server_key")),
                            Optional.ofNullable(row.getString("raw_name")),
                            row.getString("path"),
                            Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                            row.getBoolean("selectable")));
        }
        return mailboxes;
    }
}
