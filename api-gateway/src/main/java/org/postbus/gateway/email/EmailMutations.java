package org.postbus.gateway.email;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Stock;
import org.postbus.gateway.topic.MutationNotifications;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/**
 * Stores mutations of emails: rows of {@code pending_changes}. From the commit on readers see the email with the mutation applied;
 * the notification afterwards only makes outbound-service act at once.
 *
 * <p>Lists go to the database as JSON in one text parameter: so the native queries need no array types of Hibernate.
 */
@ApplicationScoped
public class EmailMutations {
    private static final String MAILBOXES_OF_EMAILS = """
            select cast(v.email_id as text), array_to_string(v.mailbox_ids, ' ')
            from email_view v
            where v.account_id = cast(:account as uuid) and v.visible
              and v.email_id = any (array(
                select cast(value as uuid) from jsonb_array_elements_text(cast(cast(:emails as text) as jsonb))))""";

    private static final String EXISTING_MAILBOXES = """
            with named as (
              select cast(value as uuid) as mailbox_id
              from jsonb_array_elements_text(cast(cast(:mailboxes as text) as jsonb)))
            select cast(m.mailbox_id as text) from mailbox m
            where m.account_id = cast(:account as uuid) and m.mailbox_id in (select mailbox_id from named)
            union
            select cast(p.mailbox_id as text) from pending_changes p
            where p.account_id = cast(:account as uuid) and p.email_id is null and p.kind = 'mailbox-create'
              and p.state in ('queued', 'sending', 'applied') and p.mailbox_id in (select mailbox_id from named)""";

    /** In the order of the list: ids are allocated in the order of the rows, and mutations apply in the order of their ids. */
    private static final String INSERT = """
            with stored as (
              insert into pending_changes (account_id, tenant_id, email_id, kind, patch)
              select cast(:account as uuid), cast(:tenant as uuid), cast(n.mutation ->> 'emailId' as uuid),
                     n.mutation ->> 'kind', n.mutation -> 'patch'
              from jsonb_array_elements(cast(cast(:mutations as text) as jsonb)) with ordinality n(mutation, position)
              order by n.position
              returning email_id, mutation_id)
            select cast(email_id as text), cast(mutation_id as text) from stored""";

    private final Sessions sessions;
    private final Stock stock;
    private final MutationNotifications notifications;

    EmailMutations(Sessions sessions, Stock stock, MutationNotifications notifications) {
        this.sessions = sessions;
        this.stock = stock;
        this.notifications = notifications;
    }

    /** Fails with a 404 problem if the email is not visible, with 422 if it can not be changed like this. */
    Uni<MutationId> update(
            TenantId tenant, AccountId account, EmailId email, EmailPatch patch, Idempotency idempotency) {
        return one(tenant, account, email, EmailBatch.update(email, patch), idempotency);
    }

    /** Fails with a 404 problem if the email is not visible. */
    Uni<MutationId> destroy(TenantId tenant, AccountId account, EmailId email, Idempotency idempotency) {
        return one(tenant, account, email, EmailBatch.destroy(email), idempotency);
    }

    /** Fails with a 404 problem if there is no such account. An email that can not be changed stops no other. */
    Uni<EmailBatch.Accepted> batch(TenantId tenant, AccountId account, EmailBatch batch, Idempotency idempotency) {
        return sessions.write(
                        tenant,
                        session -> requireAccount(session, account)
                                .chain(() -> idempotency.once(
                                        session,
                                        tenant,
                                        stock,
                                        EmailBatch.Accepted.class,
                                        () -> store(session, tenant, account, batch)
                                                .map(Stored::accepted))))
                .invoke(() -> notifications.notify(tenant, account));
    }

    private Uni<MutationId> one(
            TenantId tenant, AccountId account, EmailId email, EmailBatch batch, Idempotency idempotency) {
        return sessions.write(
                        tenant,
                        session -> idempotency.once(
                                session,
                                tenant,
                                stock,
                                MutationId.class,
                                () -> store(session, tenant, account, batch).map(stored -> stored.only(email))))
                .invoke(() -> notifications.notify(tenant, account));
    }

    /** @param refused an empty list: there is no such email */
    private record Stored(Map<EmailId, MutationId> mutations, Map<EmailId, List<Violation>> refused) {

        MutationId only(EmailId email) {
            List<Violation> violations = refused.get(email);
            if (violations != null) {
                throw violations.isEmpty() ? Problem.notFound("email") : Problem.invalid(violations);
            }
            return mutations.get(email);
        }

        EmailBatch.Accepted accepted() {
            Map<EmailId, EmailBatch.Refusal> refusals = new LinkedHashMap<>();
            refused.forEach((email, violations) -> refusals.put(
                    email,
                    violations.isEmpty()
                            ? new EmailBatch.Refusal("notFound", "there is no such email")
                            : new EmailBatch.Refusal(
                                    "invalidProperties",
                                    violations.stream().map(Violation::detail).collect(Collectors.joining("; ")))));
            return new EmailBatch.Accepted(mutations, refusals);
        }
    }

    private Uni<Stored> store(Mutiny.Session session, TenantId tenant, AccountId account, EmailBatch batch) {
        return mailboxesOf(session, account, batch.mutations().keySet())
                .chain(present -> existing(session, account, batch.mailboxes()).chain(existing -> {
                    Map<EmailId, List<Violation>> refused = new LinkedHashMap<>();
                    Map<EmailId, Optional<EmailPatch>> valid = new LinkedHashMap<>();
                    batch.mutations().forEach((email, mutation) -> {
                        Set<MailboxId> mailboxes = present.get(email);
                        List<Violation> violations = mailboxes == null
                                ? List.of()
                                : mutation.map(patch -> patch.violations(existing, mailboxes))
                                        .orElse(List.of());
                        if (mailboxes == null || !violations.isEmpty()) {
                            refused.put(email, violations);
                        } else {
                            valid.put(email, mutation);
                        }
                    });
                    return insert(session, tenant, account, valid).map(mutations -> new Stored(mutations, refused));
                }));
    }

    private static Uni<Void> requireAccount(Mutiny.Session session, AccountId account) {
        return session.createNativeQuery(
                        "select count(*) from account where account_id = cast(:account as uuid)", Long.class)
                .setParameter("account", account.value())
                .getSingleResult()
                .invoke(count -> {
                    if (count == 0) {
                        throw Problem.notFound("account");
                    }
                })
                .replaceWithVoid();
    }

    /** The mailboxes of those of the emails that are visible. */
    private static Uni<Map<EmailId, Set<MailboxId>>> mailboxesOf(
            Mutiny.Session session, AccountId account, Set<EmailId> emails) {
        return session.createNativeQuery(MAILBOXES_OF_EMAILS, Object[].class)
                .setParameter("account", account.value())
                .setParameter("emails", json(emails))
                .getResultList()
                .map(rows -> rows.stream()
                        .collect(Collectors.toMap(
                                row -> EmailId.of((String) row[0]),
                                row -> Arrays.stream(((String) row[1]).split(" "))
                                        .filter(id -> !id.isEmpty())
                                        .map(MailboxId::of)
                                        .collect(Collectors.toSet()))));
    }

    private static Uni<Set<MailboxId>> existing(Mutiny.Session session, AccountId account, Set<MailboxId> mailboxes) {
        if (mailboxes.isEmpty()) {
            return Uni.createFrom().item(Set.of());
        }
        return session.createNativeQuery(EXISTING_MAILBOXES, String.class)
                .setParameter("account", account.value())
                .setParameter("mailboxes", json(mailboxes))
                .getResultList()
                .map(ids -> ids.stream().map(MailboxId::of).collect(Collectors.toSet()));
    }

    private Uni<Map<EmailId, MutationId>> insert(
            Mutiny.Session session, TenantId tenant, AccountId account, Map<EmailId, Optional<EmailPatch>> mutations) {
        if (mutations.isEmpty()) {
            return Uni.createFrom().item(Map.of());
        }
        ArrayNode rows = EventCodec.mapper().createArrayNode();
        mutations.forEach((email, patch) -> rows.addObject()
                .put("emailId", email.toString())
                .put("kind", patch.isPresent() ? "update" : "destroy")
                .set(
                        "patch",
                        patch.map(EmailPatch::json)
                                .orElseGet(() -> EventCodec.mapper().createObjectNode())));
        return stock.require(session, tenant, Quota.QUEUED_MUTATIONS, mutations.size())
                .chain(() -> session.createNativeQuery(INSERT, Object[].class)
                        .setParameter("account", account.value())
                        .setParameter("tenant", tenant.value())
                        .setParameter("mutations", EventCodec.encodeToString(rows))
                        .getResultList())
                .map(stored -> {
                    Map<EmailId, MutationId> ids = new LinkedHashMap<>();
                    stored.forEach(row -> ids.put(EmailId.of((String) row[0]), MutationId.of((String) row[1])));
                    return ids;
                });
    }

    private static String json(Collection<?> ids) {
        ArrayNode array = EventCodec.mapper().createArrayNode();
        ids.forEach(id -> array.add(id.toString()));
        return EventCodec.encodeToString(array);
    }
}
