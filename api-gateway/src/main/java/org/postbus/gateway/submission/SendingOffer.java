package org.postbus.gateway.submission;

import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.gateway.probe.AccountCheck;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.model.AccountId;

/**
 * Checks that a JMAP account without an SMTP server can send: its server must offer EmailSubmission (RFC 8621 section 7). A request
 * that could never be fulfilled is refused at once. If the server can not be asked now, the request is accepted, because the server may
 * be able to send later. Thread-safe.
 */
@ApplicationScoped
class SendingOffer {
    private static final Duration TIME_MAX = Duration.ofSeconds(3);
    /** Accounts whose server is not asked again until they are changed. */
    private static final int CACHED_MAX = 10_000;

    private final AccountCheck check;
    private final Map<AccountId, Long> offeredAtRevision = new LinkedHashMap<>();

    SendingOffer(AccountCheck check) {
        this.check = check;
    }

    /** Fails with a 422 problem if the server does not offer submission. */
    Uni<Void> require(AccountId account, long revision, AccountSettings.Jmap settings, Credential credential) {
        if (settings.smtp().isPresent() || isOffered(account, revision)) {
            return Uni.createFrom().voidItem();
        }
        // Asking the server blocks.
        return Uni.createFrom()
                .emitter(emitter -> Thread.startVirtualThread(() -> {
                    try {
                        ask(account, revision, settings, credential);
                        emitter.complete(null);
                    } catch (RuntimeException e) {
                        emitter.fail(e);
                    }
                }));
    }

    private void ask(AccountId account, long revision, AccountSettings.Jmap settings, Credential credential) {
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
            throw Problem.invalid(List.of(Violation.at("the account's JMAP server does not offer submission ("
                    + JmapSession.SUBMISSION + "); PATCH the account with smtp")));
        }
        cache(account, revision);
    }

    private synchronized boolean isOffered(AccountId account, long revision) {
        Long cached = offeredAtRevision.get(account);
        return cached != null && cached == revision;
    }

    private synchronized void cache(AccountId account, long revision) {
        offeredAtRevision.put(account, revision);
        if (offeredAtRevision.size() > CACHED_MAX) {
            offeredAtRevision.remove(offeredAtRevision.keySet().iterator().next());
        }
    }
}
