package org.postbus.gateway.content;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.account.AccountStore;
import org.postbus.mail.ServerException;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/**
 * What is not in the database, from the mail server. Blocks: for virtual threads. Fails with a problem for what is not the
 * tenant's, and else with {@link ContentException}.
 *
 * <p>Phases: look up where it is; wait for a place; connect; find it; open it. Whatever fails after the second, the place and
 * the connection are given back here; after the last, by closing what was opened.
 */
@ApplicationScoped
class Content {
    private static final Logger LOG = Logger.getLogger(Content.class);
    private static final Duration DATABASE_MAX = Duration.ofSeconds(10);

    private final EmailsOnServers emails;
    private final DownloadLimits limits;
    private final ImapContent imap;
    private final JmapContent jmap;
    private final AccountStore accounts;

    Content(EmailsOnServers emails, DownloadLimits limits, ImapContent imap, JmapContent jmap, AccountStore accounts) {
        this.emails = emails;
        this.limits = limits;
        this.imap = imap;
        this.jmap = jmap;
        this.accounts = accounts;
    }

    /** Uses what is open; it is closed afterwards. */
    interface Use<T> {
        void use(T open) throws InterruptedException;
    }

    /** The raw message (RFC 5322). */
    void raw(TenantId tenant, AccountId account, EmailId id, Use<OpenContent> use) throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        try (DownloadLimits.Place place = limits.enter(tenant, account);
                OpenContent content = from(email, () -> switch (email.settings()) {
                    case AccountSettings.Imap settings -> imap.raw(email, settings);
                    case AccountSettings.Jmap settings -> jmap.raw(email, settings);
                })) {
            use.use(content);
        }
    }

    /** One part of it, decoded. */
    void part(TenantId tenant, AccountId account, EmailId id, String partId, Use<FoundPart> use)
            throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        try (DownloadLimits.Place place = limits.enter(tenant, account)) {
            FoundPart part = from(email, () -> switch (email.settings()) {
                case AccountSettings.Imap settings -> imap.part(email, settings, partId);
                case AccountSettings.Jmap settings -> jmap.part(email, settings, partId);
            });
            try (OpenContent content = part.content()) {
                use.use(part);
            }
        }
    }

    /** What to show of it; kept for the next time. */
    FetchedBody body(TenantId tenant, AccountId account, EmailId id) throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        if (email.body().isPresent()) {
            return new FetchedBody(email.body().get(), true);
        }
        FetchedBody fetched;
        try (DownloadLimits.Place place = limits.enter(tenant, account)) {
            fetched = from(email, () -> switch (email.settings()) {
                case AccountSettings.Imap settings -> imap.body(email, settings);
                case AccountSettings.Jmap settings -> jmap.body(email, settings);
            });
        }
        if (fetched.isWhole()) {
            Waiting.on(emails.keep(email, fetched.body()), DATABASE_MAX);
        }
        return fetched;
    }

    private EmailOnServer find(TenantId tenant, AccountId account, EmailId id) throws InterruptedException {
        return Waiting.on(emails.find(tenant, account, id), DATABASE_MAX);
    }

    private interface Fetching<T> {
        T fetch() throws InterruptedException;
    }

    private <T> T from(EmailOnServer email, Fetching<T> fetching) throws InterruptedException {
        try {
            return fetching.fetch();
        } catch (ServerException e) {
            throw failed(email, ContentFailure.of(e.failure()));
        } catch (ContentException e) {
            throw failed(email, e.failure());
        }
    }

    /** An account whose server has moved things is looked at now: the next try finds them. */
    private ContentException failed(EmailOnServer email, ContentFailure failure) {
        if (failure instanceof ContentFailure.Moved) {
            Uni<Void> woken = accounts.wake(email.tenant(), email.account());
            woken.subscribe()
                    .with(
                            done -> {},
                            error -> LOG.infof("account %s was not woken: %s", email.account(), error.getMessage()));
        }
        return new ContentException(failure);
    }
}
