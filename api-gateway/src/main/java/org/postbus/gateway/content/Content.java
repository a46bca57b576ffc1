package org.postbus.gateway.content;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.TenantQuotas;
import org.postbus.gateway.topic.SyncRequests;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/**
 * Reads content that is not in the database from the mail server. Blocks: for virtual threads. Fails with a problem for what does not
 * exist or belongs to another tenant, otherwise with {@link ContentException}.
 *
 * <p>Phases: 1. look the email up in the database; 2. wait for a permit; 3. connect; 4. find the message; 5. open its content. If a phase
 * after 2 fails, the permit and the connection are released here; after phase 5, closing the content releases them.
 */
@ApplicationScoped
class Content {
    private static final Logger LOG = Logger.getLogger(Content.class);
    private static final Duration DATABASE_TIME_MAX = Duration.ofSeconds(10);

    private final EmailsOnServers emails;
    private final DownloadLimits limits;
    private final ImapContent imap;
    private final JmapContent jmap;
    private final SyncRequests syncRequests;
    private final TenantQuotas quotas;

    Content(
            EmailsOnServers emails,
            DownloadLimits limits,
            ImapContent imap,
            JmapContent jmap,
            SyncRequests syncRequests,
            TenantQuotas quotas) {
        this.emails = emails;
        this.limits = limits;
        this.imap = imap;
        this.jmap = jmap;
        this.syncRequests = syncRequests;
        this.quotas = quotas;
    }

    /** Uses open content, which is closed afterwards. */
    interface Use<T> {
        void use(T open) throws InterruptedException;
    }

    /** The raw message (RFC 5322). */
    void raw(TenantId tenant, AccountId account, EmailId id, Use<OpenContent> use) throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        try (DownloadLimits.Permit permit = enter(tenant, account);
                OpenContent content = from(email, () -> switch (email.settings()) {
                    case AccountSettings.Imap settings -> imap.raw(email, settings);
                    case AccountSettings.Jmap settings -> jmap.raw(email, settings);
                })) {
            use.use(content);
        }
    }

    /** One part of the message, decoded. */
    void part(TenantId tenant, AccountId account, EmailId id, String partId, Use<FoundPart> use)
            throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        try (DownloadLimits.Permit permit = enter(tenant, account)) {
            FoundPart part = from(email, () -> switch (email.settings()) {
                case AccountSettings.Imap settings -> imap.part(email, settings, partId);
                case AccountSettings.Jmap settings -> jmap.part(email, settings, partId);
            });
            try (OpenContent content = part.content()) {
                use.use(part);
            }
        }
    }

    /** The body; stored in the database if it is complete. */
    FetchedBody body(TenantId tenant, AccountId account, EmailId id) throws InterruptedException {
        EmailOnServer email = find(tenant, account, id);
        if (email.body().isPresent()) {
            return new FetchedBody(email.body().get(), true);
        }
        FetchedBody fetched;
        try (DownloadLimits.Permit permit = enter(tenant, account)) {
            fetched = from(email, () -> switch (email.settings()) {
                case AccountSettings.Imap settings -> imap.body(email, settings);
                case AccountSettings.Jmap settings -> jmap.body(email, settings);
            });
        }
        if (fetched.isWhole()) {
            Await.of(emails.keep(email, fetched.body()), DATABASE_TIME_MAX, ServerException::unreachable);
        }
        return fetched;
    }

    private DownloadLimits.Permit enter(TenantId tenant, AccountId account) throws InterruptedException {
        long ofTenantMax = quotas.read(tenant).await().atMost(DATABASE_TIME_MAX).of(Quota.DOWNLOADS_AT_ONCE);
        return limits.enter(tenant, account, ofTenantMax);
    }

    private EmailOnServer find(TenantId tenant, AccountId account, EmailId id) throws InterruptedException {
        return Await.of(emails.find(tenant, account, id), DATABASE_TIME_MAX, ServerException::unreachable);
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

    /** If the message was moved, requests a sync: the next try then finds it. */
    private ContentException failed(EmailOnServer email, ContentFailure failure) {
        if (failure instanceof ContentFailure.Moved) {
            syncRequests
                    .publish(email.tenant(), email.account())
                    .subscribe()
                    .with(
                            published -> {},
                            error -> LOG.infof("account %s is synced later: %s", email.account(), error.getMessage()));
        }
        return new ContentException(failure);
    }
}
