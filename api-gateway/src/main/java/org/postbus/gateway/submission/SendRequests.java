package org.postbus.gateway.submission;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.body.LargeBodies;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Accepts requests to send a message.
 *
 * <p>Phases: 1. look up the account; 2. read the request; 3. look up the email that it answers; 4. compose the message; 5. ask whether the
 * account can send; 6. store the message. 2 and 4 take long for a message of megabytes and are left to {@link LargeBodies}. Nothing is stored
 * if a phase fails.
 */
@ApplicationScoped
class SendRequests {
    private final Submissions submissions;
    private final SendingOffer offer;
    private final LargeBodies work;

    SendRequests(Submissions submissions, SendingOffer offer, LargeBodies work) {
        this.submissions = submissions;
        this.offer = offer;
        this.work = work;
    }

    /** What is to be stored. */
    private record Ready(
            Submissions.Sender sender,
            NewMessage message,
            Optional<Draft.Parent> parent,
            Optional<Instant> sendAt,
            Idempotency idempotency) {}

    /** @param key the header Idempotency-Key; null if there is none */
    Uni<Submissions.Accepted> draft(TenantId tenant, AccountId account, String key, byte[] body) {
        // The account first: another tenant's account must give 404 for every body.
        return submissions
                .sender(tenant, account, Optional.empty())
                .chain(sender -> work.work(tenant, () -> DraftReader.read(RequestJson.object(body)))
                        .chain(draft -> draft.parent().isEmpty()
                                ? compose(tenant, account, sender, draft, key, body)
                                : submissions
                                        .sender(tenant, account, draft.parent().map(Draft.Parent::emailId))
                                        .chain(answering -> compose(tenant, account, answering, draft, key, body))))
                .chain(ready -> store(tenant, account, ready));
    }

    private Uni<Ready> compose(
            TenantId tenant, AccountId account, Submissions.Sender sender, Draft draft, String key, byte[] body) {
        return work.work(
                tenant,
                () -> new Ready(
                        sender,
                        DraftComposer.compose(draft, sender.email(), sender.parentHeaders(), Instant.now()),
                        draft.parent(),
                        draft.sendAt(),
                        idempotency(account, key, body)));
    }

    /** @param body a whole message (RFC 5322) */
    Uni<Submissions.Accepted> raw(TenantId tenant, AccountId account, String key, byte[] body) {
        return submissions
                .sender(tenant, account, Optional.empty())
                .chain(sender -> work.work(
                        tenant,
                        () -> new Ready(
                                sender,
                                RawMessage.of(body, Instant.now()),
                                Optional.empty(),
                                Optional.empty(),
                                idempotency(account, key, body))))
                .chain(ready -> store(tenant, account, ready));
    }

    private Uni<Submissions.Accepted> store(TenantId tenant, AccountId account, Ready ready) {
        Uni<Void> offered = ready.sender().settings() instanceof AccountSettings.Jmap settings
                ? offer.require(
                        account,
                        ready.sender().revision(),
                        settings,
                        ready.sender().credential())
                : Uni.createFrom().voidItem();
        return offered.chain(() ->
                submissions.add(tenant, account, ready.message(), ready.parent(), ready.sendAt(), ready.idempotency()));
    }

    private static Idempotency idempotency(AccountId account, String key, byte[] body) {
        return Idempotency.of(key, "POST " + account + "/submissions", body);
    }
}
