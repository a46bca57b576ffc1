package org.postbus.fetcher.publish;

import java.util.List;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailHeaders;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ObservedEmail;

/**
 * An observation in the encoding of its batch. It is encoded once, on the thread that parses the mail, so that batches can be limited by
 * bytes without encoding anything twice.
 *
 * @param json at most {@link #BYTES_MAX}; must not be changed
 * @param emails how many emails it counts as, of the {@link ObservationBatch#EMAILS_MAX} of a batch
 */
public record EncodedObservation(byte[] json, int emails) {
    /** At most this many bytes are the batch's own fields. */
    static final int ENVELOPE_BYTES = 1024;

    public static final int BYTES_MAX = ObservationBatch.BYTES_MAX - ENVELOPE_BYTES;
    private static final int ADDRESSES_KEPT = 50;
    private static final int TEXT_KEPT = 1000;

    /**
     * An email that is too large for a batch is published without its body, which can be fetched on demand, and if that is not enough with a
     * shortened header: no message that a sender can write may stop the sync of an account.
     *
     * @throws IllegalArgumentException for any other observation that is too large: a bug
     */
    public static EncodedObservation of(Observation observation) {
        byte[] json = EventCodec.encode(observation);
        if (json.length > BYTES_MAX && observation instanceof EmailObserved email) {
            json = EventCodec.encode(with(email, withoutBody(email.email())));
            if (json.length > BYTES_MAX) {
                json = EventCodec.encode(with(email, withShortHeaders(withoutBody(email.email()))));
            }
        }
        if (json.length > BYTES_MAX) {
            throw new IllegalArgumentException("an observation of " + json.length + " bytes is too large for a batch");
        }
        return new EncodedObservation(json, emails(observation));
    }

    private static int emails(Observation observation) {
        return switch (observation) {
            case EmailObserved email -> 1;
            case EmailStateObserved state -> 1;
            case EmailsDestroyed destroyed -> destroyed.jmapIds().size();
            case Observation.JmapIdsReassigned changed -> changed.newIds().size();
            case Observation.MailboxObserved mailbox -> 0;
            case Observation.MailboxVanished mailbox -> 0;
            case Observation.MailboxReset mailbox -> 0;
            case Observation.UidsVanished uids -> 0;
            case Observation.MessageNotRead message -> 0;
            case Observation.ScopeSynced scope -> 0;
            case Observation.PassFinished pass -> 0;
            case Observation.AccountStateObserved state -> 0;
        };
    }

    private static EmailObserved with(EmailObserved observed, ObservedEmail email) {
        return new EmailObserved(observed.ref(), observed.mailboxes(), observed.keywords(), observed.modSeq(), email);
    }

    private static ObservedEmail withoutBody(ObservedEmail email) {
        return with(email, email.headers());
    }

    private static ObservedEmail withShortHeaders(ObservedEmail email) {
        EmailHeaders headers = email.headers();
        return with(
                email,
                new EmailHeaders(
                        cutTexts(headers.messageId()),
                        cutTexts(headers.inReplyTo()),
                        cutTexts(headers.references()),
                        cutAddresses(headers.sender()),
                        cutAddresses(headers.from()),
                        cutAddresses(headers.to()),
                        cutAddresses(headers.cc()),
                        cutAddresses(headers.bcc()),
                        cutAddresses(headers.replyTo()),
                        headers.subject().map(EncodedObservation::cut),
                        headers.sentAt().map(EncodedObservation::cut)));
    }

    private static ObservedEmail with(ObservedEmail email, EmailHeaders headers) {
        return new ObservedEmail(
                email.identity(),
                email.serverThread(),
                email.blobId(),
                email.headerHash(),
                headers,
                email.receivedAt(),
                email.size(),
                email.hasAttachment(),
                email.preview(),
                Optional.empty());
    }

    private static List<String> cutTexts(List<String> texts) {
        return texts.stream()
                .limit(EmailHeaders.REFERENCES_MAX)
                .filter(text -> text.length() <= TEXT_KEPT)
                .toList();
    }

    private static List<EmailAddress> cutAddresses(List<EmailAddress> addresses) {
        return addresses.stream()
                .limit(ADDRESSES_KEPT)
                .map(address -> new EmailAddress(address.name().map(EncodedObservation::cut), cut(address.email())))
                .toList();
    }

    private static String cut(String text) {
        return org.postbus.mail.Text.cut(text, TEXT_KEPT);
    }
}
