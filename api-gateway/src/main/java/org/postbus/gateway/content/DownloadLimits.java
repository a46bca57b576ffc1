package org.postbus.gateway.content;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.postbus.gateway.quota.AtOnce;
import org.postbus.gateway.quota.Quota;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** Limits the downloads that run at a time. This bounds the memory of the process and the connections to an account's server. */
@ApplicationScoped
class DownloadLimits {
    /** In this process. Each holds a few chunks of about 64 KiB. */
    static final int DOWNLOADS_MAX = 64;

    /** Providers allow 10 to 15 connections per user, and the sync needs up to 3. */
    static final int DOWNLOADS_PER_ACCOUNT_MAX = 2;
    /** A browser that shows an email requests all of its pictures at once. */
    static final Duration ACCOUNT_WAIT_MAX = Duration.ofSeconds(10);

    private final AtOnce atOnce;
    private final Map<AccountId, OfAccount> ofAccounts = new HashMap<>();
    private int running;

    DownloadLimits(AtOnce atOnce) {
        this.atOnce = atOnce;
    }

    private static final class OfAccount {
        private final Semaphore free = new Semaphore(DOWNLOADS_PER_ACCOUNT_MAX, true);
        private int registered;
    }

    /** Must be closed once. */
    interface Permit extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Waits up to 10 seconds for the account's other downloads.
     *
     * @param ofTenantMax the tenant's quota
     * @throws ContentException {@code Busy}
     */
    Permit enter(TenantId tenant, AccountId account, long ofTenantMax) throws InterruptedException {
        OfAccount ofAccount = register(tenant, account, ofTenantMax);
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

    private synchronized OfAccount register(TenantId tenant, AccountId account, long ofTenantMax) {
        if (running >= DOWNLOADS_MAX) {
            throw new ContentException(new ContentFailure.Busy("too many downloads are running; try again later"));
        }
        if (!atOnce.enter(tenant, Quota.DOWNLOADS_AT_ONCE, ofTenantMax)) {
            throw new ContentException(new ContentFailure.Busy("the quota " + Quota.DOWNLOADS_AT_ONCE.wireName() + " ("
                    + ofTenantMax + ") is used up; try again later"));
        }
        running++;
        OfAccount ofAccount = ofAccounts.computeIfAbsent(account, id -> new OfAccount());
        ofAccount.registered++;
        return ofAccount;
    }

    private synchronized void leave(TenantId tenant, AccountId account) {
        running--;
        atOnce.leave(tenant, Quota.DOWNLOADS_AT_ONCE);
        ofAccounts.computeIfPresent(account, (id, ofAccount) -> --ofAccount.registered == 0 ? null : ofAccount);
    }
}
