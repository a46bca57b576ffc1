package org.postbus.outbound.jmap;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.Identity;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.Sending;
import org.postbus.mail.jmap.method.JmapMethod.SetResult;
import org.postbus.mail.jmap.method.JmapMethod.Submitted;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.outbound.jmap.JmapSentMail.Draft;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionServer;

/**
 * Sends by {@code EmailSubmission/set} (RFC 8621 section 7.5). The message is imported as a draft, byte for byte, and filed in Sent when the
 * server has accepted the submission.
 *
 * <p>Phases, and what is true if it fails after each:
 * <ol>
 *   <li>upload: the server discards the blob;
 *   <li>import: a draft exists, which the next attempt finds by its Message-ID and does not import again;
 *   <li>{@code beforeTransmission}, then {@code EmailSubmission/set}: the message was sent or not. A draft that was filed in Sent shows that it
 *       was, and so does an EmailSubmission, if the server keeps these.
 * </ol>
 */
public final class JmapSubmissionServer implements SubmissionServer {
    private static final Logger LOG = Logger.getLogger(JmapSubmissionServer.class);

    private final JmapSentMail sentMail;
    private final JmapClient client;

    /** @param sentMail is closed with this */
    public JmapSubmissionServer(JmapSentMail sentMail) {
        this.sentMail = sentMail;
        this.client = sentMail.client();
    }

    @Override
    public Accepted submit(Submission submission, Runnable beforeTransmission) {
        if (!sentMail.offersSubmission()) {
            throw rejected(
                    "no-submission",
                    "the account's server does not offer to send messages over JMAP, and the account has no SMTP server");
        }
        var request = new JmapRequest();
        var mailboxList = request.add(new MailboxGet(Ids.all()));
        var identities = request.add(new Sending.IdentityGet());
        JmapResults results = JmapSentMail.await(client.send(request));
        SentMailboxes mailboxes = SentMailboxes.of(results.get(mailboxList).list());
        String identity = identity(results.get(identities).list(), submission.mailFrom());
        Draft draft = sentMail.draft(mailboxes, submission);
        beforeTransmission.run();
        try {
            return transmit(
                    submission, submission.recipients(), Map.of(), new Envelope(draft.emailId(), identity, mailboxes));
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected && draft.ours()) {
                destroy(draft);
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

    private record Envelope(String emailId, String identity, SentMailboxes mailboxes) {}

    /**
     * If the server finds some recipients invalid, the message is sent to the others.
     *
     * @param refused recipients found invalid so far, with the server's reason
     */
    private Accepted transmit(
            Submission submission, List<String> recipients, Map<String, String> refused, Envelope envelope) {
        SentMailboxes mailboxes = envelope.mailboxes();
        var request = new JmapRequest();
        var set = request.add(new Sending.EmailSubmissionSet(
                envelope.emailId(), envelope.identity(), submission.mailFrom(), recipients, mailboxes.filing()));
        var query = request.add(new Sending.EmailSubmissionQuery(envelope.emailId()));
        var statuses = request.add(new Sending.EmailSubmissionGet(query.result("/ids")));
        var email = request.add(new Sending.WrittenEmailGet(Ids.these(List.of(envelope.emailId()))));
        // This call cannot be undone: without an answer it is unknown whether the message was sent.
        JmapResults results =
                Await.uninterruptibly(client.send(request), JmapSentMail.AWAIT_MAX, ServerException::outcomeUnknown);
        return switch (results.get(set)) {
            case Submitted.Done(var id) -> {
                Map<String, String> all = new LinkedHashMap<>(refused);
                if (results.failure(statuses).isEmpty()) {
                    results.get(statuses).list().stream()
                            .filter(status -> status.id().equals(id))
                            .forEach(status -> all.putAll(status.refused()));
                }
                boolean filed = results.failure(email).isEmpty()
                        && results.get(email).list().stream().anyMatch(mailboxes::isFiled);
                yield new Accepted(all, !filed);
            }
            case Submitted.Refused(var error, var invalid) -> {
                List<String> others = recipients.stream()
                        .filter(recipient -> invalid.stream().noneMatch(recipient::equalsIgnoreCase))
                        .toList();
                if (others.isEmpty() || others.size() == recipients.size()) {
                    throw JmapSentMail.refused(error);
                }
                Map<String, String> all = new LinkedHashMap<>(refused);
                recipients.stream()
                        .filter(recipient -> !others.contains(recipient))
                        .forEach(recipient -> all.put(recipient, error.failure().text()));
                yield transmit(submission, others, all, envelope);
            }
        };
    }

    /** Removes the draft of a message that the server refused permanently. If that fails, the draft stays. */
    private void destroy(Draft draft) {
        try {
            SetResult result =
                    JmapSentMail.await(client.call(new EmailSet(Map.of(), List.of(draft.emailId()), Optional.empty())));
            result.notDestroyed()
                    .forEach((id, error) ->
                            LOG.infof("the draft of a rejected message was not destroyed: %s", error.type()));
        } catch (ServerException e) {
            LOG.infof(
                    "the draft of a rejected message was not destroyed: %s",
                    e.failure().text());
        }
    }

    @Override
    public boolean isFiledInSent(Submission submission) {
        return sentMail.isFiledInSent(submission);
    }

    @Override
    public void copyToSent(Submission submission, Runnable beforeFiling) {
        sentMail.copyToSent(submission, beforeFiling);
    }

    private static ServerException rejected(String code, String text) {
        return new ServerException(new ServerFailure.Rejected(code, text));
    }

    @Override
    public void close() {
        sentMail.close();
    }
}
