package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarksGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.model.EmailHeaders;

/**
 * Emails of which one alone makes an answer larger than this client reads. Such an email is asked for without its texts, which are then
 * fetched on demand; and if that is too large as well, it is published with its mailboxes, keywords, size and time alone, so that it neither
 * stops the account nor is missing.
 */
final class OversizedEmails {
    /** A server that has more of them in one pass exceeds the limits on purpose. */
    private static final int PER_PASS_MAX = 10;

    private static final EmailHeaders NO_HEADERS = new EmailHeaders(
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());
    private static final Logger LOG = Logger.getLogger(OversizedEmails.class);

    private final JmapPassContext pass;
    private int seen;

    @FunctionalInterface
    interface Publish {
        void publish(GetResult<JmapEmail> answer) throws InterruptedException;
    }

    OversizedEmails(JmapPassContext pass) {
        this.pass = pass;
    }

    /** @param why what followed the request for the whole email; thrown if there are too many of them */
    void publish(String id, ServerException why, Publish publish) throws InterruptedException {
        if (++seen > PER_PASS_MAX) {
            throw why;
        }
        LOG.warnf(
                "account %s: an email is too large to be read whole: %s",
                pass.account(), why.failure().text());
        publish.publish(withoutTexts(id));
    }

    private GetResult<JmapEmail> withoutTexts(String id) throws InterruptedException {
        try {
            return pass.call(new EmailGet(Ids.these(List.of(id)), Optional.empty()));
        } catch (ServerException e) {
            if (!GetSizeLimit.isAnswerTooLarge(e.failure())) {
                throw e;
            }
            return withoutHeaders(id);
        }
    }

    private GetResult<JmapEmail> withoutHeaders(String id) throws InterruptedException {
        var states = pass.call(new EmailStateGet(Ids.these(List.of(id))));
        Optional<EmailMarks> marks = pass.call(new EmailMarksGet(Ids.these(List.of(id)))).list().stream()
                .findFirst();
        List<JmapEmail> emails = states.list().stream()
                .map(state -> new JmapEmail(
                        state.id(),
                        marks.flatMap(EmailMarks::blobId),
                        Optional.empty(),
                        Set.copyOf(state.mailboxIds()),
                        Set.copyOf(state.keywords()),
                        marks.map(EmailMarks::size).orElse(0L),
                        marks.flatMap(EmailMarks::receivedAt).orElse(Instant.EPOCH),
                        NO_HEADERS,
                        false,
                        "",
                        Optional.empty()))
                .toList();
        return new GetResult<>(states.state(), emails, states.notFound());
    }
}
