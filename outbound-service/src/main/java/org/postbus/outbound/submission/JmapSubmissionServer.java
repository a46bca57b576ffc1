package org.postbus.outbound.submission;

import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.Identity;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.Imported;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.Sending;
import org.postbus.mail.jmap.method.JmapMethod.SetResult;
import org.postbus.mail.jmap.method.JmapMethod.Submitted;
import org.postbus.mail.jmap.method.JmapMethod.WrittenEmail;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;

/**
 * Sends by {@code EmailSubmission/set} (RFC 8621 section 7.5). The message is first a draft, imported octet by octet; with the
 * server's taking it, it moves among the sent ones.
 *
 * <p>Phases, and what is true if it fails after each:
 * <ol>
 *   <li>upload: the server forgets it;
 *   <li>import: a draft lies there, which the next try finds by its Message-ID and does not import again;
 *   <li>{@code handingOver}, then {@code EmailSubmission/set}: it was sent or not. The draft's having moved tells, or an EmailSubmission
 *       of it, where the server keeps them.
 * </ol>
 */
final class JmapSubmissionServer implements SubmissionServer {
    private static final Logger LOG = Logger.getLogger(JmapSubmissionServer.class);
    /** A message over a slow line, or a server that delivers while we wait. */
    private static final Duration CALL_TIME_MAX = Duration.ofMinutes(10);

    private static final JmapOptions OPTIONS = new JmapOptions(
            JmapOptions.DEFAULTS.connectTimeout(), CALL_TIME_MAX, 4 << 20, JmapOptions.DEFAULTS.redirectsMax());
    /** The client itself breaks off before. */
    private static final Duration AWAIT_MAX = CALL_TIME_MAX.plusSeconds(30);

    private static final String NO_ANSWER = "no answer within " + AWAIT_MAX.toSeconds() + " seconds";
    /** How many emails of a mailbox are looked at for one that was put there: the newest. */
    private static final int LOOK_BACK = 100;

    private final JmapClient client;

    private JmapSubmissionServer(JmapClient client) {
        this.client = client;
    }

    /** @throws ServerException if it can not be reached or refuses the login */
    static JmapSubmissionServer open(Vertx vertx, AccountSettings.Jmap settings, Credential credential) {
        return new JmapSubmissionServer(await(JmapClient.open(vertx, settings, credential, OPTIONS)));
    }

    /** Where it does not, it keeps copies all the same. */
    boolean offersToSend() {
        return client.session().capabilities().contains(JmapSession.SUBMISSION);
    }

    /** The server's ids of the mailboxes that are for drafts and for what was sent. */
    private record Places(Optional<String> drafts, Optional<String> sent) {

        static Places of(List<JmapMailbox> mailboxes) {
            return new Places(withRole(mailboxes, MailboxRole.DRAFTS), withRole(mailboxes, MailboxRole.SENT));
        }

        private static Optional<String> withRole(List<JmapMailbox> mailboxes, MailboxRole role) {
            return mailboxes.stream()
                    .filter(mailbox -> mailbox.role().equals(Optional.of(role)))
                    .map(JmapMailbox::id)
                    .findFirst();
        }

        /** Where a draft is put: an email must lie somewhere. */
        String draftsOrSent() {
            return drafts.or(() -> sent)
                    .orElseThrow(() ->
                            rejected("no-drafts-mailbox", "the account has no mailbox for drafts or for sent mail"));
        }

        boolean isFiled(WrittenEmail email) {
            return sent.filter(email.mailboxIds()::contains).isPresent() && !isDraft(email);
        }

        static boolean isDraft(WrittenEmail email) {
            return email.keywords().contains(Keyword.DRAFT);
        }

        /** Makes a draft one that was sent. */
        EmailPatch filing() {
            Map<String, Boolean> mailboxIds = new HashMap<>();
            if (sent.isPresent()) {
                drafts.ifPresent(id -> mailboxIds.put(id, false));
                mailboxIds.put(sent.get(), true);
            }
            return new EmailPatch(Map.of(Keyword.DRAFT, false, Keyword.SEEN, true), mailboxIds);
        }
    }

    /** @param ours whether we may take it away again */
    private record Draft(String emailId, boolean ours) {}

    @Override
    public Taken submit(Submission submission, Runnable handingOver) {
        if (!offersToSend()) {
            throw rejected(
                    "no-submission",
                    "the account's server does not offer to send messages over JMAP, and the account has no SMTP server");
        }
        var request = new JmapRequest();
        var mailboxes = request.add(new MailboxGet(Ids.all()));
        var identities = request.add(new Sending.IdentityGet());
        JmapResults ground = send(request);
        Places places = Places.of(ground.get(mailboxes).list());
        String identity = identity(ground.get(identities).list(), submission.mailFrom());
        Draft draft = draft(places, submission);
        handingOver.run();
        try {
            return handOver(submission, submission.recipients(), Map.of(), draft.emailId(), identity, places);
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected && draft.ours()) {
                takeAway(draft);
            }
            throw e;
        }
    }

    /** @throws ServerException {@code forbiddenFrom} if there is none for this sender */
    private static String identity(List<Identity> identities, String mailFrom) {
        String sender = mailFrom.toLowerCase(Locale.ROOT);
        String anyOfDomain = "*" + sender.substring(sender.lastIndexOf('@'));
        return Stream.of(sender, anyOfDomain)
                .flatMap(email -> identities.stream().filter(one -> one.email().equalsIgnoreCase(email)))
                .map(Identity::id)
                .findFirst()
                .orElseThrow(() -> rejected(
                        "forbiddenFrom",
                        "the server lets this login send as "
                                + (identities.isEmpty()
                                        ? "nobody"
                                        : String.join(
                                                ", ",
                                                identities.stream()
                                                        .map(Identity::email)
                                                        .toList()))
                                + ", not as " + mailFrom));
    }

    private Draft draft(Places places, Submission submission) {
        Optional<WrittenEmail> there =
                written(places, submission).stream().filter(Places::isDraft).findFirst();
        if (there.isPresent()) {
            return new Draft(there.get().id(), true);
        }
        try {
            return put(submission, places.draftsOrSent(), Set.of(Keyword.DRAFT, Keyword.SEEN));
        } catch (ServerException e) {
            // Nothing was sent, whatever became of the draft.
            throw e.failure() instanceof ServerFailure.OutcomeUnknown(var text)
                    ? new ServerException(new ServerFailure.Unreachable(text), e)
                    : e;
        }
    }

    private Draft put(Submission submission, String mailboxId, Set<Keyword> keywords) {
        String blobId = await(client.upload(Buffer.buffer(submission.message()), "message/rfc822"));
        return switch (await(
                client.call(new Sending.EmailImport(blobId, Set.of(mailboxId), keywords, Instant.now())))) {
            case Imported.Done(var emailId, var existed) -> new Draft(emailId, !existed);
            case Imported.Refused(var error) -> throw new ServerException(error.failure());
        };
    }

    /** Recipients that are invalid do not keep it from the others, as long as there are any. */
    private Taken handOver(
            Submission submission,
            List<String> recipients,
            Map<String, String> refused,
            String emailId,
            String identity,
            Places places) {
        var request = new JmapRequest();
        var set = request.add(
                new Sending.EmailSubmissionSet(emailId, identity, submission.mailFrom(), recipients, places.filing()));
        var query = request.add(new Sending.EmailSubmissionQuery(emailId));
        var statuses = request.add(new Sending.EmailSubmissionGet(query.result("/ids")));
        var now = request.add(new Sending.WrittenEmailGet(Ids.these(List.of(emailId))));
        JmapResults results = sendOff(request);
        return switch (results.get(set)) {
            case Submitted.Done(var id) -> {
                Map<String, String> all = new LinkedHashMap<>(refused);
                if (results.failure(statuses).isEmpty()) {
                    results.get(statuses).list().stream()
                            .filter(status -> status.id().equals(id))
                            .forEach(status -> all.putAll(status.refused()));
                }
                boolean filed = results.failure(now).isEmpty()
                        && results.get(now).list().stream().anyMatch(places::isFiled);
                yield new Taken(all, !filed);
            }
            case Submitted.Refused(var error, var invalid) -> {
                List<String> others = recipients.stream()
                        .filter(recipient -> invalid.stream().noneMatch(recipient::equalsIgnoreCase))
                        .toList();
                if (others.isEmpty() || others.size() == recipients.size()) {
                    throw new ServerException(error.failure());
                }
                Map<String, String> all = new LinkedHashMap<>(refused);
                recipients.stream()
                        .filter(recipient -> !others.contains(recipient))
                        .forEach(recipient -> all.put(recipient, error.failure().text()));
                yield handOver(submission, others, all, emailId, identity, places);
            }
        };
    }

    /** What was refused for good need not lie among the drafts. */
    private void takeAway(Draft draft) {
        try {
            SetResult result = await(client.call(new EmailSet(Map.of(), List.of(draft.emailId()), Optional.empty())));
            result.notDestroyed()
                    .forEach((id, error) -> LOG.infof("a draft that was refused stays there: %s", error.type()));
        } catch (ServerException e) {
            LOG.infof("a draft that was refused stays there: %s", e.failure().text());
        }
    }

    /** Among the sent ones, or a submission tells so; that one's draft is then put there. */
    @Override
    public boolean isAmongSent(Submission submission) {
        Places places = places();
        List<WrittenEmail> written = written(places, submission);
        if (written.stream().anyMatch(places::isFiled)) {
            return true;
        }
        Optional<WrittenEmail> submitted =
                written.stream().filter(email -> wasSubmitted(email.id())).findFirst();
        submitted.ifPresent(email -> file(places, email));
        return submitted.isPresent();
    }

    private boolean wasSubmitted(String emailId) {
        if (!offersToSend()) {
            return false;
        }
        var request = new JmapRequest();
        var query = request.add(new Sending.EmailSubmissionQuery(emailId));
        var submissions = request.add(new Sending.EmailSubmissionGet(query.result("/ids")));
        JmapResults results = send(request);
        boolean serverTells = results.failure(query)
                .filter(ServerFailure.Rejected.class::isInstance)
                .isEmpty();
        return serverTells && results.get(submissions).list().stream().anyMatch(one -> !one.canceled());
    }

    @Override
    public void copyToSent(Submission submission) {
        Places places = places();
        String sent = places.sent()
                .orElseThrow(() -> rejected("no-sent-mailbox", "the account has no mailbox for sent mail"));
        List<WrittenEmail> written = written(places, submission);
        if (written.stream().anyMatch(places::isFiled)) {
            return;
        }
        written.stream()
                .findFirst()
                .ifPresentOrElse(draft -> file(places, draft), () -> put(submission, sent, Set.of(Keyword.SEEN)));
    }

    private void file(Places places, WrittenEmail draft) {
        SetError error = await(
                        client.call(new EmailSet(Map.of(draft.id(), places.filing()), List.of(), Optional.empty())))
                .notUpdated()
                .get(draft.id());
        if (error != null) {
            throw new ServerException(error.failure());
        }
    }

    private Places places() {
        return Places.of(await(client.call(new MailboxGet(Ids.all()))).list());
    }

    /** The message, wherever it lies of the two places. */
    private List<WrittenEmail> written(Places places, Submission submission) {
        List<String> ids = Stream.concat(places.drafts().stream(), places.sent().stream())
                .flatMap(mailbox -> await(client.call(new Sending.MailboxQuery(mailbox, LOOK_BACK))).ids().stream())
                .distinct()
                .toList();
        return JmapClient.chunks(ids, client.session().limits().maxObjectsInGet()).stream()
                .flatMap(chunk -> await(client.call(new Sending.WrittenEmailGet(Ids.these(chunk)))).list().stream())
                .filter(email -> email.messageIds().contains(submission.messageId()))
                .toList();
    }

    private JmapResults send(JmapRequest request) {
        return await(client.send(request));
    }

    /** The step that can not be taken back: without an answer, nobody knows. */
    private JmapResults sendOff(JmapRequest request) {
        try {
            return client.send(request).await().atMost(AWAIT_MAX);
        } catch (TimeoutException e) {
            throw new ServerException(new ServerFailure.OutcomeUnknown(NO_ANSWER), e);
        }
    }

    /** Of what can be done again. */
    private static <T> T await(Uni<T> answer) {
        try {
            return answer.await().atMost(AWAIT_MAX);
        } catch (TimeoutException e) {
            throw new ServerException(new ServerFailure.Unreachable(NO_ANSWER), e);
        }
    }

    private static ServerException rejected(String code, String text) {
        return new ServerException(new ServerFailure.Rejected(code, text));
    }

    @Override
    public void close() {
        client.close();
    }
}
