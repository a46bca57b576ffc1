package org.postbus.gateway.mailbox;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.mutation.MutationRow;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

/** Mailboxes as readers see them: the mail server's, with the open mutations applied. */
@ApplicationScoped
public class MailboxQueries {
    private final Sessions sessions;

    MailboxQueries(Sessions sessions) {
        this.sessions = sessions;
    }

    /** Fails with a 404 problem if the tenant has no such account. */
    Uni<List<Mailbox>> mailboxes(TenantId tenant, AccountId account) {
        return sessions.read(
                tenant, session -> AccountRow.require(session, account).chain(() -> visible(session, account)));
    }

    /**
     * Ordered by path. Reads the mutations before the mailboxes: a mutation that ends between the two is in the mailboxes already, and
     * applying it again changes nothing.
     */
    static Uni<List<Mailbox>> visible(Mutiny.Session session, AccountId account) {
        return session.createQuery(
                        "from MutationRow where accountId = :account and emailId is null and state in"
                                + " ('queued', 'sending', 'applied') order by mutationId",
                        MutationRow.class)
                .setParameter("account", account.value())
                .getResultList()
                .chain(open -> session.createQuery(
                                "from MailboxRow where accountId = :account order by path, mailboxId", MailboxRow.class)
                        .setParameter("account", account.value())
                        .getResultList()
                        .map(rows -> MailboxOverlay.apply(
                                rows.stream().map(MailboxRow::mailbox).toList(),
                                open.stream().map(MailboxQueries::mutation).toList())));
    }

    private static MailboxOverlay.Mutation mutation(MutationRow row) {
        return new MailboxOverlay.Mutation(row.kind(), row.mailboxId(), row.patch());
    }

    /** Fails with a 404 problem if there is no such mailbox, and none that an open mutation creates. */
    public static Uni<Void> require(Mutiny.Session session, AccountId account, MailboxId mailbox) {
        return count(session, "from MailboxRow where accountId = :account and mailboxId = :mailbox", account, mailbox)
                .chain(count -> count > 0
                        ? Uni.createFrom().item(count)
                        : count(
                                session,
                                "from MutationRow where accountId = :account and mailboxId = :mailbox"
                                        + " and kind = 'mailbox-create' and state in ('queued', 'sending', 'applied')",
                                account,
                                mailbox))
                .invoke(count -> {
                    if (count == 0) {
                        throw Problem.notFound("mailbox");
                    }
                })
                .replaceWithVoid();
    }

    private static Uni<Long> count(Mutiny.Session session, String from, AccountId account, MailboxId mailbox) {
        return session.createQuery("select count(*) " + from, Long.class)
                .setParameter("account", account.value())
                .setParameter("mailbox", mailbox.value())
                .getSingleResult();
    }
}
