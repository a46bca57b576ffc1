package org.postbus.outbound.jmap;

import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.Imported;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.Sending;
import org.postbus.mail.jmap.method.JmapMethod.WrittenEmail;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.Keyword;
import org.postbus.outbound.submission.SentMail;
import org.postbus.outbound.submission.Submission;

/** The Sent mailbox of a JMAP account: finds a message and its submission on the server, imports it, and files it in Sent. */
public final class JmapSentMail implements SentMail {
    /** For a large message over a slow line, and for servers that deliver before they answer. */
    private static final Duration CALL_TIME_MAX = Duration.ofMinutes(10);

    private static final JmapOptions OPTIONS = new JmapOptions(
            JmapOptions.DEFAULTS.connectTimeout(), CALL_TIME_MAX, 4 << 20, JmapOptions.DEFAULTS.redirectsMax());
    /** The client itself gives up earlier. */
    static final Duration AWAIT_MAX = CALL_TIME_MAX.plusSeconds(30);
    /** How many emails of a mailbox are searched for a message: the newest. */
    private static final int NEWEST_MAX = 100;

    private final JmapClient client;

    /** The message as it was imported. @param ours whether it was created for this submission, and may be destroyed */
    record Draft(String emailId, boolean ours) {}

    private JmapSentMail(JmapClient client) {
        this.client = client;
    }

    /** @throws ServerException if the server cannot be reached or refuses the login */
    public static JmapSentMail open(EgressConnector egress, AccountSettings.Jmap settings, Credential credential) {
        return new JmapSentMail(await(JmapClient.open(egress, settings, credential, OPTIONS)));
    }

    JmapClient client() {
        return client;
    }

    /** Whether the server also sends messages; if not, it can still hold their copies. */
    public boolean offersSubmission() {
        return client.session().capabilities().contains(JmapSession.SUBMISSION);
    }

    /** True if the message is in Sent, or an EmailSubmission shows that its draft was sent; the draft is then filed. */
    @Override
    public boolean isFiledInSent(Submission submission) {
        SentMailboxes mailboxes = mailboxes();
        List<WrittenEmail> written = written(mailboxes, submission);
        if (written.stream().anyMatch(mailboxes::isFiled)) {
            return true;
        }
        Optional<WrittenEmail> submitted =
                written.stream().filter(email -> wasSubmitted(email.id())).findFirst();
        submitted.ifPresent(email -> file(mailboxes, email));
        return submitted.isPresent();
    }

    @Override
    public void copyToSent(Submission submission, Runnable beforeFiling) {
        SentMailboxes mailboxes = mailboxes();
        String sent = mailboxes
                .sent()
                .orElseThrow(() -> new ServerException(
                        new ServerFailure.Rejected("no-sent-mailbox", "the account has no mailbox for sent mail")));
        List<WrittenEmail> written = written(mailboxes, submission);
        if (written.stream().anyMatch(mailboxes::isFiled)) {
            return;
        }
        beforeFiling.run();
        written.stream()
                .findFirst()
                .ifPresentOrElse(
                        draft -> file(mailboxes, draft), () -> importMessage(submission, sent, Set.of(Keyword.SEEN)));
    }

    /** The submission's draft: the one of an earlier attempt, or a new one. */
    Draft draft(SentMailboxes mailboxes, Submission submission) {
        Optional<WrittenEmail> existing = written(mailboxes, submission).stream()
                .filter(SentMailboxes::isDraft)
                .findFirst();
        if (existing.isPresent()) {
            return new Draft(existing.get().id(), true);
        }
        try {
            return importMessage(submission, mailboxes.draftsOrSent(), Set.of(Keyword.DRAFT, Keyword.SEEN));
        } catch (ServerException e) {
            // Nothing was sent, even if the outcome of the import is unknown.
            throw e.failure() instanceof ServerFailure.OutcomeUnknown(var text)
                    ? new ServerException(new ServerFailure.Unreachable(text), e)
                    : e;
        }
    }

    private Draft importMessage(Submission submission, String mailboxId, Set<Keyword> keywords) {
        String blobId = await(client.upload(Buffer.buffer(submission.message()), "message/rfc822"));
        return switch (await(
                client.call(new Sending.EmailImport(blobId, Set.of(mailboxId), keywords, Instant.now())))) {
            case Imported.Done(var emailId, var existed) -> new Draft(emailId, !existed);
            case Imported.Refused(var error) -> throw refused(error);
        };
    }

    /** What the server could not do for this message says nothing about others. */
    static ServerException refused(SetError error) {
        return new ServerException(
                error.failure() instanceof ServerFailure.Unreachable(var text)
                        ? new ServerFailure.Throttled(text, Optional.empty())
                        : error.failure());
    }

    private boolean wasSubmitted(String emailId) {
        if (!offersSubmission()) {
            return false;
        }
        var request = new JmapRequest();
        var query = request.add(new Sending.EmailSubmissionQuery(emailId));
        var submissions = request.add(new Sending.EmailSubmissionGet(query.result("/ids")));
        JmapResults results = await(client.send(request));
        boolean keepsSubmissions = results.failure(query)
                .filter(ServerFailure.Rejected.class::isInstance)
                .isEmpty();
        return keepsSubmissions && results.get(submissions).list().stream().anyMatch(one -> !one.canceled());
    }

    private void file(SentMailboxes mailboxes, WrittenEmail draft) {
        SetError error = await(
                        client.call(new EmailSet(Map.of(draft.id(), mailboxes.filing()), List.of(), Optional.empty())))
                .notUpdated()
                .get(draft.id());
        if (error != null) {
            throw new ServerException(error.failure());
        }
    }

    private SentMailboxes mailboxes() {
        return SentMailboxes.of(await(client.call(new MailboxGet(Ids.all()))).list());
    }

    /** The emails in Drafts and Sent that have the submission's Message-ID. */
    private List<WrittenEmail> written(SentMailboxes mailboxes, Submission submission) {
        List<String> ids = Stream.concat(mailboxes.drafts().stream(), mailboxes.sent().stream())
                .flatMap(mailbox -> await(client.call(new Sending.MailboxQuery(mailbox, NEWEST_MAX))).ids().stream())
                .distinct()
                .toList();
        return JmapClient.chunks(ids, client.session().limits().maxObjectsInGet()).stream()
                .flatMap(chunk -> await(client.call(new Sending.WrittenEmailGet(Ids.these(chunk)))).list().stream())
                .filter(email -> email.messageIds().contains(submission.messageId()))
                .toList();
    }

    /** For calls that can be repeated. */
    static <T> T await(Uni<T> answer) {
        return Await.uninterruptibly(answer, AWAIT_MAX, ServerException::unreachable);
    }

    @Override
    public void close() {
        client.close();
    }
}
