package org.postbus.gateway.submission;

import io.smallrye.mutiny.TimeoutException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.gateway.account.AccountCheck;
import org.postbus.gateway.account.HostPolicy;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.model.AccountId;

/**
 * Whether a JMAP account's server offers to send where the account names no SMTP server, so that who asks for what it never does hears so at once. A server that can not be
 * asked right now may well send later. Blocks; thread-safe.
 */
@ApplicationScoped
class SendingOffer {
    private static final Duration TIME_MAX = Duration.ofSeconds(3);
    /** Accounts that need not be asked again until they are changed. */
    private static final int REMEMBERED_MAX = 10_000;

    private final AccountCheck check;
    private final HostPolicy hosts;
    private final Map<AccountId, Long> offeredAtRevision = new LinkedHashMap<>();

    SendingOffer(AccountCheck check, HostPolicy hosts) {
        this.check = check;
        this.hosts = hosts;
    }

    /** Fails with a 422 problem if the server says that it does not send. */
    void require(AccountId account, long revision, AccountSettings.Jmap settings, Credential credential) {
        if (settings.smtp().isPresent()
                || isKnown(account, revision)
                || !hosts.allows(settings.sessionUrl().getHost())) {
            return;
        }
        AccountCheck.Outcome outcome;
        try {
            outcome = check.check(settings, credential).await().atMost(TIME_MAX);
        } catch (TimeoutException mayAnswerLater) {
            return;
        }
        if (!outcome.ok()) {
            return;
        }
        if (!outcome.capabilities().contains(JmapSession.SUBMISSION)) {
            throw Problem.invalid(
                    List.of(Violation.at("the account's server does not offer to send messages over JMAP ("
                            + JmapSession.SUBMISSION + "), and the account has no smtp")));
        }
        remember(account, revision);
    }

    private synchronized boolean isKnown(AccountId account, long revision) {
        Long known = offeredAtRevision.get(account);
        return known != null && known == revision;
    }

    private synchronized void remember(AccountId account, long revision) {
        offeredAtRevision.put(account, revision);
        if (offeredAtRevision.size() > REMEMBERED_MAX) {
            offeredAtRevision.remove(offeredAtRevision.keySet().iterator().next());
        }
    }
}
