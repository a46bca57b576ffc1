package org.postbus.gateway.content;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** How much is fetched from mail servers at a time: what bounds our memory, and what spares the account's own connections. */
@ApplicationScoped
class DownloadLimits {
    /** In this process; each holds some portions of 64 KiB or so. */
    static final int DOWNLOADS_MAX = 64;

    static final int DOWNLOADS_PER_TENANT_MAX = 16;
    /** Providers allow 10 or 15 for all of a user's programs, and synchronisation needs up to 3. */
    static final int DOWNLOADS_PER_ACCOUNT_MAX = 2;
    /** A browser that shows an email asks for its pictures all at once. */
    static final Duration ACCOUNT_WAIT_MAX = Duration.ofSeconds(10);

    private final Map<TenantId, Integer> ofTenants = new HashMap<>();
    private final Map<AccountId, OfAccount> ofAccounts = new HashMap<>();
    private int running;

    private static final class OfAccount {
        private final Semaphore free = new Semaphore(DOWNLOADS_PER_ACCOUNT_MAX, true);
        private int wanting;
    }

    /** A place; closing it, once, makes it free again. */
    interface Place extends AutoCloseable {
        @Override
        void close();
    }

    /** Waits for the account's other downloads. @throws ContentException {@code Busy} */
    Place enter(TenantId tenant, AccountId account) throws InterruptedException {
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
            throw new ContentException(new ContentFailure.Busy(
                    "there are " + DOWNLOADS_PER_ACCOUNT_MAX + " downloads from this account's mail server already"));
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
            throw new ContentException(new ContentFailure.Busy(
                    "there are " + DOWNLOADS_PER_TENANT_MAX + " downloads under way, which is as many as may be"));
        }
        if (running >= DOWNLOADS_MAX) {
            throw new ContentException(new ContentFailure.Busy("there are too many downloads under way"));
        }
        running++;
        ofTenants.merge(tenant, 1, Integer::sum);
        OfAccount ofAccount = ofAccounts.computeIfAbsent(account, id -> new OfAccount());
        ofAccount.wanting++;
        return ofAccount;
    }

    private synchronized void leave(TenantId tenant, AccountId account) {
        running--;
        ofTenants.merge(tenant, -1, (count, minus) -> count + minus == 0 ? null : count + minus);
        ofAccounts.computeIfPresent(account, (id, ofAccount) -> --ofAccount.wanting == 0 ? null : ofAccount);
    }
}
