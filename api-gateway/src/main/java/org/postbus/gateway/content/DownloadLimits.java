package org.postbus.gateway.content;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** Limits the downloads that run at a time. This bounds the memory of the process and the connections to an account's server. */
@ApplicationScoped
class DownloadLimits {
    /** In this process. Each holds a few chunks of about 64 KiB. */
    static final int DOWNLOADS_MAX = 64;

    static final int DOWNLOADS_PER_TENANT_MAX = 16;
    /** Providers allow 10 to 15 connections per user, and the sync needs up to 3. */
    static final int DOWNLOADS_PER_ACCOUNT_MAX = 2;
    /** A browser that shows an email requests all of its pictures at once. */
    static final Duration ACCOUNT_WAIT_MAX = Duration.ofSeconds(10);

    private final Map<TenantId, Integer> ofTenants = new HashMap<>();
    private final Map<AccountId, OfAccount> ofAccounts = new HashMap<>();
    private int running;

    private static final class OfAccount {
        private final Semaphore free = new Semaphore(DOWNLOADS_PER_ACCOUNT_MAX, true);
        private int registered;
    }

    /** Must be closed once. */
    interface Permit extends AutoCloseable {
        @Override
        void close();
    }

    /** Waits up to 10 seconds for the account's other downloads. @throws ContentException {@code Busy} */
    Permit enter(TenantId tenant, AccountId account) throws InterruptedException {
        OfAccount ofAccount = register(tenant, account);
        boolean entered = false;
        try {
            entered = ofAccount.free.tryAcquire(ACCOUNT_WAIT_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            if (!entered) {
                leave(tenant, account);
            }
        }
        if (!entered) {
            throw new ContentException(new ContentFailure.Busy("the limit of " + DOWNLOADS_PER_ACCOUNT_MAX
                    + " downloads of this account is reached; try again later"));
        }
        return () -> {
            ofAccount.free.release();
            leave(tenant, account);
        };
    }

    synchronized int running() {
        return running;
    }

    private synchronized OfAccount register(TenantId tenant, AccountId account) {
        if (ofTenants.getOrDefault(tenant, 0) >= DOWNLOADS_PER_TENANT_MAX) {
            throw new ContentException(new ContentFailure.Busy("the limit of " + DOWNLOADS_PER_TENANT_MAX
                    + " downloads of this tenant is reached; try again later"));
        }
        if (running >= DOWNLOADS_MAX) {
            throw new ContentException(new ContentFailure.Busy("too many downloads are running; try again later"));
        }
        running++;
        ofTenants.merge(tenant, 1, Integer::sum);
        OfAccount ofAccount = ofAccounts.computeIfAbsent(account, id -> new OfAccount());
        ofAccount.registered++;
        return ofAccount;
    }

    private synchronized void leave(TenantId tenant, AccountId account) {
        running--;
        ofTenants.merge(tenant, -1, (count, minus) -> count + minus == 0 ? null : count + minus);
        ofAccounts.computeIfPresent(account, (id, ofAccount) -> --ofAccount.registered == 0 ? null : ofAccount);
    }
}
