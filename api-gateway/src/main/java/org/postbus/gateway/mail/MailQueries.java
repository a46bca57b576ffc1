package org.postbus.gateway.mail;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.database.Database;
import org.postbus.gateway.mutation.MailboxOverlay;
import org.postbus.gateway.mutation.MutationRow;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

/** What readers see of the mail. Fails with a 404 problem for what is not the tenant's. */
@ApplicationScoped
public class MailQueries {
    private static final String COLUMNS =
            "v.account_id, v.email_id, v.thread_id, v.size, v.received_at, v.headers, v.has_attachment, v.preview,"
                    + " v.keywords, v.mailbox_ids, v.visible";

    /** Before any cursor: later than every email, and greater than every id. */
    private static final EmailCursor BEGINNING =
            new EmailCursor(Instant.parse("9999-12-31T00:00:00Z"), new EmailId(new UUID(-1, -1)));

    private static final String NEWEST = "select " + COLUMNS + """
             from email_text_view v
            where v.account_id = :account and v.visible
              and (v.received_at, v.email_id) < (cast(:receivedAt as timestamptz), cast(:emailId as uuid))
            order by v.received_at desc, v.email_id desc
            limit :most
            """;

    // The mailbox's own emails come in order from one index, without those that an open wish has to do with: for each a
    // look into the index of open wishes. The few that have just left it and may turn up elsewhere are still shown.
    // Emails
    // that a wish puts into the mailbox are sorted first and looked at one by one after that. All stop at the limit,
    // and
    // none may be turned into a join of everything: hence the scalar subquery, the DISTINCT ON and the OFFSET 0.
    private static final String NEWEST_IN_MAILBOX = """
            with added as materialized (
              select distinct p.email_id from pending_changes p
              where p.account_id = :account and p.state in ('queued', 'sending', 'applied')
                and p.patch -> 'mailboxIds' -> :mailbox = cast('true' as jsonb)
            ), candidate as (
              (select distinct on (l.received_at, l.email_id) l.received_at, l.email_id
               from email_mailbox l
               where l.account_id = :account and l.mailbox_id = cast(:mailbox as uuid)
                 and (l.received_at, l.email_id) < (cast(:receivedAt as timestamptz), cast(:emailId as uuid))
                 and (select bool_or(p.kind = 'destroy' or jsonb_exists(p.patch -> 'mailboxIds', :mailbox))
                      from pending_changes p
                      where p.account_id = :account and p.email_id = l.email_id
                        and p.state in ('queued', 'sending', 'applied')) is not true
               order by l.received_at desc, l.email_id desc
               limit :most)
              union all
              (select e.received_at, e.email_id
               from email e
               where e.account_id = :account and e.unlinked_pass is not null
                 and cast(:mailbox as uuid) = any (e.unlinked_from)
                 and (e.received_at, e.email_id) < (cast(:receivedAt as timestamptz), cast(:emailId as uuid))
                 and (select bool_or(p.kind = 'destroy' or jsonb_exists(p.patch -> 'mailboxIds', :mailbox))
                      from pending_changes p
                      where p.account_id = :account and p.email_id = e.email_id
                        and p.state in ('queued', 'sending', 'applied')) is not true
               order by e.received_at desc, e.email_id desc
               limit :most)
              union all
              (select a.received_at, a.email_id
               from (select e.received_at, e.email_id from added
                     join email e on e.account_id = :account and e.email_id = added.email_id
                     where (e.received_at, e.email_id) < (cast(:receivedAt as timestamptz), cast(:emailId as uuid))
                     order by e.received_at desc, e.email_id desc
                     offset 0) a
               cross join lateral (select from email_text_view v
                                   where v.account_id = :account and v.email_id = a.email_id
                                     and v.visible and :mailbox = any (v.mailbox_ids)) seen
               order by a.received_at desc, a.email_id desc
               limit :most)
            )
            select """ + " " + COLUMNS + """
             from (select * from candidate order by received_at desc, email_id desc limit :most) c
            join email_text_view v on v.account_id = :account and v.email_id = c.email_id
            where v.visible
            order by v.received_at desc, v.email_id desc
            """;

    private final Database database;

    MailQueries(Database database) {
        this.database = database;
    }

    Uni<List<Mailbox>> mailboxes(TenantId tenant, AccountId account) {
        return database.read(
                tenant,
                session -> AccountRow.require(session, account)
                        .chain(() -> session.createQuery(
                                        "from MailboxRow where accountId = :account order by path, mailboxId",
                                        MailboxRow.class)
                                .setParameter("account", account.value())
                                .getResultList())
                        .chain(rows -> session.createQuery(
                                        "from MutationRow where accountId = :account and emailId is null and state in"
                                                + " ('queued', 'sending', 'applied') order by mutationId",
                                        MutationRow.class)
                                .setParameter("account", account.value())
                                .getResultList()
                                .map(wishes -> MailboxOverlay.lay(
                                        rows.stream().map(MailboxRow::mailbox).toList(),
                                        wishes.stream()
                                                .map(MutationRow::mailboxWish)
                                                .toList()))));
    }

    Uni<Page<Email, String>> emails(
            TenantId tenant, AccountId account, Optional<MailboxId> mailbox, int limit, Optional<EmailCursor> after) {
        EmailCursor from = after.orElse(BEGINNING);
        return database.read(
                        tenant,
                        session -> AccountRow.require(session, account)
                                .chain(() -> mailbox.map(id -> requireMailbox(session, account, id))
                                        .orElseGet(() -> Uni.createFrom().voidItem()))
                                .chain(() -> {
                                    Mutiny.SelectionQuery<EmailRow> query = session.createNativeQuery(
                                                    mailbox.isPresent() ? NEWEST_IN_MAILBOX : NEWEST, EmailRow.class)
                                            .setParameter("account", account.value())
                                            .setParameter(
                                                    "receivedAt",
                                                    from.receivedAt().atOffset(ZoneOffset.UTC))
                                            .setParameter(
                                                    "emailId", from.emailId().value())
                                            .setParameter("most", limit + 1);
                                    mailbox.ifPresent(id -> query.setParameter("mailbox", id.toString()));
                                    return query.getResultList();
                                }))
                .map(rows -> Page.of(
                        rows, limit, EmailRow::email, row -> row.position().text()));
    }

    Uni<EmailWithBody> email(TenantId tenant, AccountId account, EmailId email) {
        return database.read(
                tenant,
                session -> session.createQuery(
                                "from EmailRow where accountId = :account and emailId = :email and visible",
                                EmailRow.class)
                        .setParameter("account", account.value())
                        .setParameter("email", email.value())
                        .getSingleResultOrNull()
                        .onItem()
                        .ifNull()
                        .failWith(() -> Problem.notFound("email"))
                        .chain(row -> body(session, account, email).map(body -> EmailWithBody.of(row.email(), body))));
    }

    private static Uni<Optional<EmailBody>> body(Mutiny.Session session, AccountId account, EmailId email) {
        return session.createQuery(
                        "from EmailBodyRow where accountId = :account and emailId = :email", EmailBodyRow.class)
                .setParameter("account", account.value())
                .setParameter("email", email.value())
                .getSingleResultOrNull()
                .map(row -> Optional.ofNullable(row).map(EmailBodyRow::body));
    }

    private static Uni<Void> requireMailbox(Mutiny.Session session, AccountId account, MailboxId mailbox) {
        return session.createQuery(
                        "select count(*) from MailboxRow where accountId = :account and mailboxId = :mailbox",
                        Long.class)
                .setParameter("account", account.value())
                .setParameter("mailbox", mailbox.value())
                .getSingleResult()
                .chain(count -> count > 0 ? Uni.createFrom().item(count) : wished(session, account, mailbox))
                .invoke(count -> {
                    if (count == 0) {
                        throw Problem.notFound("mailbox");
                    }
                })
                .replaceWithVoid();
    }

    /** A mailbox that is still to be created is there for readers. */
    private static Uni<Long> wished(Mutiny.Session session, AccountId account, MailboxId mailbox) {
        return session.createQuery(
                        "select count(*) from MutationRow where accountId = :account and mailboxId = :mailbox and kind ="
                                + " 'mailbox-create' and state in ('queued', 'sending', 'applied')",
                        Long.class)
                .setParameter("account", account.value())
                .setParameter("mailbox", mailbox.value())
                .getSingleResult();
    }
}
