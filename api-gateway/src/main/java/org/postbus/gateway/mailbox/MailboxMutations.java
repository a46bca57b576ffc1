package org.postbus.gateway.mailbox;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Stock;
import org.postbus.gateway.topic.MutationNotifications;
import org.postbus.model.AccountId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/** Stores mutations of mailboxes: rows of {@code pending_changes} without an email. */
@ApplicationScoped
public class MailboxMutations {
    /** Mutations of one account's mailboxes are checked one after the other: each sees those before it. */
    private static final String LOCK = """
            select 1 from account a
            cross join lateral pg_advisory_xact_lock(hashtextextended(:name, 0)) locked
            where a.account_id = cast(:account as uuid)""";

    private static final String INSERT = """
            with stored as (
              insert into pending_changes (account_id, tenant_id, mailbox_id, kind, patch)
              values (cast(:account as uuid), cast(:tenant as uuid), coalesce(cast(:mailbox as uuid), uuidv7()),
                      cast(:kind as text), cast(cast(:patch as text) as jsonb))
              returning mutation_id, mailbox_id)
            select cast(mutation_id as text), cast(mailbox_id as text) from stored""";

    private final Sessions sessions;
    private final Stock stock;
    private final MutationNotifications notifications;

    MailboxMutations(Sessions sessions, Stock stock, MutationNotifications notifications) {
        this.sessions = sessions;
        this.stock = stock;
        this.notifications = notifications;
    }

    /** @param mailboxId of a mailbox to be created: the id that it will have */
    public record Accepted(MutationId mutationId, MailboxId mailboxId) {}

    /** Fails with a 404 problem if there is no such account, with 422 if there can be no such mailbox. */
    public Uni<Accepted> create(TenantId tenant, AccountId account, MailboxPatch patch, Idempotency idempotency) {
        return store(
                tenant,
                account,
                Optional.empty(),
                "mailbox-create",
                patch.json(),
                idempotency,
                mailboxes -> nameViolations(
                        mailboxes,
                        Optional.empty(),
                        patch.name().orElseThrow(),
                        patch.parentId().flatMap(parent -> parent)));
    }

    /** Fails with a 404 problem if there is no such mailbox, with 422 if it can not be changed like this. */
    public Uni<Accepted> update(
            TenantId tenant, AccountId account, MailboxId mailbox, MailboxPatch patch, Idempotency idempotency) {
        return store(tenant, account, Optional.of(mailbox), "mailbox-update", patch.json(), idempotency, mailboxes -> {
            Mailbox now = find(mailboxes, mailbox);
            if (now.role().filter(MailboxRole.INBOX::equals).isPresent()) {
                return List.of(Violation.at("the INBOX can not be renamed or moved"));
            }
            return nameViolations(
                    mailboxes,
                    Optional.of(mailbox),
                    patch.name().orElse(now.name()),
                    patch.parentId().orElse(now.parentId()));
        });
    }

    /**
     * Fails with a 404 problem if there is no such mailbox, with 422 if it has child mailboxes or is the INBOX.
     *
     * @param removeEmails otherwise the mail server refuses if the mailbox has emails
     */
    public Uni<Accepted> destroy(
            TenantId tenant, AccountId account, MailboxId mailbox, boolean removeEmails, Idempotency idempotency) {
        String patch = "{\"onDestroyRemoveEmails\": " + removeEmails + "}";
        return store(tenant, account, Optional.of(mailbox), "mailbox-destroy", patch, idempotency, mailboxes -> {
            Mailbox now = find(mailboxes, mailbox);
            if (now.role().filter(MailboxRole.INBOX::equals).isPresent()) {
                return List.of(Violation.at("the INBOX can not be destroyed"));
            }
            return mailboxes.stream()
                            .anyMatch(other ->
                                    other.parentId().filter(mailbox::equals).isPresent())
                    ? List.of(Violation.at("the mailbox has child mailboxes; destroy or move them first"))
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
        return sessions.write(
                        tenant,
                        session -> lock(session, account)
                                .chain(() -> idempotency.once(
                                        session,
                                        tenant,
                                        stock,
                                        Accepted.class,
                                        () -> MailboxQueries.visible(session, account)
                                                .invoke(mailboxes -> {
                                                    List<Violation> violations = check.violations(mailboxes);
                                                    if (!violations.isEmpty()) {
                                                        throw Problem.invalid(violations);
                                                    }
                                                })
                                                .chain(() -> insert(session, tenant, account, mailbox, kind, patch)))))
                .invoke(() -> notifications.notify(tenant, account));
    }

    private static Uni<Void> lock(Mutiny.Session session, AccountId account) {
        return session.createNativeQuery(LOCK, Integer.class)
                .setParameter("name", "mailboxes/" + account)
                .setParameter("account", account.value())
                .getSingleResultOrNull()
                .onItem()
                .ifNull()
                .failWith(() -> Problem.notFound("account"))
                .replaceWithVoid();
    }

    private Uni<Accepted> insert(
            Mutiny.Session session,
            TenantId tenant,
            AccountId account,
            Optional<MailboxId> mailbox,
            String kind,
            String patch) {
        return stock.require(session, tenant, Quota.QUEUED_MUTATIONS, 1)
                .chain(() -> session.createNativeQuery(INSERT, Object[].class)
                        .setParameter("account", account.value())
                        .setParameter("tenant", tenant.value())
                        .setParameter("mailbox", mailbox.map(MailboxId::value).orElse(null))
                        .setParameter("kind", kind)
                        .setParameter("patch", patch)
                        .getSingleResult())
                .map(row -> new Accepted(MutationId.of((String) row[0]), MailboxId.of((String) row[1])));
    }

    private static Mailbox find(List<Mailbox> mailboxes, MailboxId id) {
        return mailboxes.stream()
                .filter(mailbox -> mailbox.id().equals(id))
                .findFirst()
                .orElseThrow(() -> Problem.notFound("mailbox"));
    }

    /** @param mailbox empty for one that is to be created */
    static List<Violation> nameViolations(
            List<Mailbox> mailboxes, Optional<MailboxId> mailbox, String name, Optional<MailboxId> parentId) {
        List<Violation> violations = new ArrayList<>();
        Map<MailboxId, Mailbox> byId = new HashMap<>();
        mailboxes.forEach(one -> byId.put(one.id(), one));
        Set<MailboxId> seen = new HashSet<>();
        for (Optional<MailboxId> above = parentId; above.isPresent() && seen.add(above.get()); ) {
            Mailbox found = byId.get(above.get());
            if (found == null) {
                return List.of(Violation.at("there is no such mailbox", "parentId"));
            }
            if (mailbox.filter(above.get()::equals).isPresent()) {
                return List.of(Violation.at("a mailbox can not be below itself", "parentId"));
            }
            above = found.parentId();
        }
        boolean taken = mailboxes.stream()
                .anyMatch(other -> other.name().equals(name)
                        && other.parentId().equals(parentId)
                        && mailbox.filter(other.id()::equals).isEmpty());
        if (taken) {
            violations.add(Violation.at("another mailbox has this name", "name"));
        }
        return violations;
    }
}
