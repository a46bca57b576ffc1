package org.postbus.gateway.email;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.mailbox.MailboxQueries;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

/** Emails as readers see them. Fails with a 404 problem for what does not exist or belongs to another tenant. */
@ApplicationScoped
public class EmailQueries {
    private static final String COLUMNS =
            "v.account_id, v.email_id, v.thread_id, v.size, v.received_at, v.headers, v.has_attachment, v.preview,"
                    + " v.keywords, v.mailbox_ids, v.visible";

    /** Where the first page begins: later than every email, and greater than every id. */
    private static final EmailCursor BEGINNING =
            new EmailCursor(Instant.parse("9999-12-31T00:00:00Z"), new EmailId(new UUID(-1, -1)));

    private static final String NEWEST = "select " + COLUMNS + """
             from email_text_view v
            where v.account_id = :account and v.visible
              and (v.received_at, v.email_id) < (cast(:receivedAt as timestamptz), cast(:emailId as uuid))
            order by v.received_at desc, v.email_id desc
            limit :rowsMax
            """;

    // Three sets of candidates, each cut off at the limit: 1. the mailbox's own emails in the order of one index,
    // without those that
    // an open mutation destroys or names the mailbox for (one probe of the index of open mutations for each); 2. emails
    // that were
    // unlinked from the mailbox and may turn up elsewhere, which are still shown; 3. emails that an open mutation adds
    // to the
    // mailbox, sorted first and checked one by one afterwards. The planner must not turn any of them into a join of all
    // rows: this is
    // what the scalar subquery, the DISTINCT ON and the OFFSET 0 prevent.
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
               limit :rowsMax)
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
               limit :rowsMax)
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
               limit :rowsMax)
            )
            select """ + " " + COLUMNS + """
             from (select * from candidate order by received_at desc, email_id desc limit :rowsMax) c
            join email_text_view v on v.account_id = :account and v.email_id = c.email_id
            where v.visible
            order by v.received_at desc, v.email_id desc
            """;

    private final Sessions sessions;

    EmailQueries(Sessions sessions) {
        this.sessions = sessions;
    }

    Uni<Page<Email, String>> emails(
            TenantId tenant, AccountId account, Optional<MailboxId> mailbox, int limit, Optional<EmailCursor> after) {
        EmailCursor from = after.orElse(BEGINNING);
        return sessions.read(
                        tenant,
                        session -> AccountRow.require(session, account)
                                .chain(() -> mailbox.map(id -> MailboxQueries.require(session, account, id))
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
                                            .setParameter("rowsMax", limit + 1);
                                    mailbox.ifPresent(id -> query.setParameter("mailbox", id.toString()));
                                    return query.getResultList();
                                }))
                .map(rows -> Page.of(
                        rows, limit, EmailRow::email, row -> row.position().text()));
    }

    Uni<EmailWithBody> email(TenantId tenant, AccountId account, EmailId email) {
        return sessions.read(
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
}
