package org.postbus.gateway.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.Database;
import org.postbus.gateway.Idempotency;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/** Takes in what people ask of mailboxes, as {@link Wishes} does for emails. */
@ApplicationScoped
public class MailboxWishes {
    private static final String TOLD = """
            select mailbox_id, name, parent_id, path, role, sort_order, total_emails, unread_emails, is_subscribed
            from mailbox where account_id = $1""";

    private static final String OPEN = """
            select kind, mailbox_id, patch::text as patch from pending_changes
            where account_id = $1 and email_id is null and state in ('queued', 'sending', 'applied')
            order by mutation_id""";

    /** Two wishes of one account for mailboxes are looked at one after the other: each sees what came before it. */
    private static final String ONE_AT_A_TIME =
            "select pg_advisory_xact_lock(hashtextextended('mailboxes/' || $1, 0)) from account where account_id = $2";

    private static final String INSERT = """
            insert into pending_changes (account_id, tenant_id, mailbox_id, kind, patch)
            values ($1, $2, coalesce($3, uuidv7()), $4, $5::text::jsonb) returning mutation_id, mailbox_id""";

    private final Database database;
    private final MutationBells bells;

    MailboxWishes(Database database, MutationBells bells) {
        this.database = database;
        this.bells = bells;
    }

    /** @param mailboxId of a mailbox that is to be created: the id that it will have */
    public record Accepted(MutationId mutationId, MailboxId mailboxId) {}

    /** Fails with a 404 problem if there is no such account, with 422 if there can not be such a mailbox. */
    public Uni<Accepted> create(TenantId tenant, AccountId account, MailboxPatch patch, Idempotency idempotency) {
        return store(
                tenant,
                account,
                Optional.empty(),
                "mailbox-create",
                patch.json(),
                idempotency,
                mailboxes -> placeViolations(
                        mailboxes,
                        Optional.empty(),
                        patch.name().orElseThrow(),
                        patch.parentId().flatMap(parent -> parent)));
    }

    /** Fails with a 404 problem if there is no such mailbox, with 422 if it can not be what is asked for. */
    public Uni<Accepted> update(
            TenantId tenant, AccountId account, MailboxId mailbox, MailboxPatch patch, Idempotency idempotency) {
        return store(tenant, account, Optional.of(mailbox), "mailbox-update", patch.json(), idempotency, mailboxes -> {
            Mailbox now = find(mailboxes, mailbox);
            if (now.role().filter(MailboxRole.INBOX::equals).isPresent()) {
                return List.of(Violation.at("the INBOX stays where it is"));
            }
            return placeViolations(
                    mailboxes,
                    Optional.of(mailbox),
                    patch.name().orElse(now.name()),
                    patch.parentId().orElse(now.parentId()));
        });
    }

    /**
     * Fails with a 404 problem if there is no such mailbox, with 422 if there are mailboxes below it.
     *
     * @param removeEmails otherwise the server refuses if there are emails in it
     */
    public Uni<Accepted> destroy(
            TenantId tenant, AccountId account, MailboxId mailbox, boolean removeEmails, Idempotency idempotency) {
        String patch = "{\"onDestroyRemoveEmails\": " + removeEmails + "}";
        return store(tenant, account, Optional.of(mailbox), "mailbox-destroy", patch, idempotency, mailboxes -> {
            Mailbox now = find(mailboxes, mailbox);
            if (now.role().filter(MailboxRole.INBOX::equals).isPresent()) {
                return List.of(Violation.at("the INBOX stays"));
            }
            return mailboxes.stream()
                            .anyMatch(other ->
                                    other.parentId().filter(mailbox::equals).isPresent())
                    ? List.of(Violation.at("there are mailboxes below it"))
                    : List.of();
        });
    }

    @FunctionalInterface
    private interface Check {
        /** @param mailboxes as readers see them */
        List<Violation> violations(List<Mailbox> mailboxes);
    }

    private Uni<Accepted> store(
            TenantId tenant,
            AccountId account,
            Optional<MailboxId> mailbox,
            String kind,
            String patch,
            Idempotency idempotency,
            Check check) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery(ONE_AT_A_TIME)
                                .execute(Tuple.of(account.toString(), account.value()))
                                .compose(locked -> locked.size() == 0
                                        ? Future.failedFuture(Problem.notFound("account"))
                                        : idempotency.once(
                                                connection,
                                                tenant,
                                                Accepted.class,
                                                () -> seen(connection, account).compose(mailboxes -> {
                                                    List<Violation> violations = check.violations(mailboxes);
                                                    return violations.isEmpty()
                                                            ? insert(connection, tenant, account, mailbox, kind, patch)
                                                            : Future.failedFuture(Problem.invalid(violations));
                                                }))))
                .invoke(() -> bells.ring(tenant, account));
    }

    private static Future<Accepted> insert(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            Optional<MailboxId> mailbox,
            String kind,
            String patch) {
        return connection
                .preparedQuery(INSERT)
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addUUID(tenant.value())
                        .addUUID(mailbox.map(MailboxId::value).orElse(null))
                        .addString(kind)
                        .addString(patch))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Accepted(new MutationId(row.getUUID(0)), new MailboxId(row.getUUID(1)));
                });
    }

    /** As readers see them. Wishes first: one that ends after that is in the mailboxes, and laid over them it changes nothing. */
    private static Future<List<Mailbox>> seen(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(OPEN)
                .execute(Tuple.of(account.value()))
                .compose(open -> connection
                        .preparedQuery(TOLD)
                        .execute(Tuple.of(account.value()))
                        .map(told -> MailboxOverlay.lay(
                                StreamSupport.stream(told.spliterator(), false)
                                        .map(MailboxWishes::mailbox)
                                        .toList(),
                                StreamSupport.stream(open.spliterator(), false)
                                        .map(row -> new MailboxOverlay.Wish(
                                                row.getString("kind"),
                                                new MailboxId(row.getUUID("mailbox_id")),
                                                EventCodec.decode(row.getString("patch"), JsonNode.class)))
                                        .toList())));
    }

    private static Mailbox mailbox(Row row) {
        return new Mailbox(
                new MailboxId(row.getUUID("mailbox_id")),
                row.getString("name"),
                Optional.ofNullable((UUID) row.getUUID("parent_id")).map(MailboxId::new),
                row.getString("path"),
                Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                row.getLong("sort_order"),
                row.getLong("total_emails"),
                row.getLong("unread_emails"),
                row.getBoolean("is_subscribed"));
    }

    private static Mailbox find(List<Mailbox> mailboxes, MailboxId id) {
        return mailboxes.stream()
                .filter(mailbox -> mailbox.id().equals(id))
                .findFirst()
                .orElseThrow(() -> Problem.notFound("mailbox"));
    }

    /** @param mailbox empty for one that is to be created */
    static List<Violation> placeViolations(
            List<Mailbox> mailboxes, Optional<MailboxId> mailbox, String name, Optional<MailboxId> parentId) {
        List<Violation> violations = new ArrayList<>();
        Set<MailboxId> seen = new HashSet<>();
        for (Optional<MailboxId> above = parentId; above.isPresent() && seen.add(above.get()); ) {
            MailboxId id = above.get();
            Optional<Mailbox> found =
                    mailboxes.stream().filter(one -> one.id().equals(id)).findFirst();
            if (found.isEmpty()) {
                return List.of(Violation.at("there is no such mailbox", "parentId"));
            }
            if (mailbox.filter(id::equals).isPresent()) {
                return List.of(Violation.at("a mailbox can not be below itself", "parentId"));
            }
            above = found.get().parentId();
        }
        boolean taken = mailboxes.stream()
                .anyMatch(other -> other.name().equals(name)
                        && other.parentId().equals(parentId)
                        && mailbox.filter(other.id()::equals).isEmpty());
        if (taken) {
            violations.add(Violation.at("there is a mailbox of this name", "name"));
        }
        return violations;
    }
}
