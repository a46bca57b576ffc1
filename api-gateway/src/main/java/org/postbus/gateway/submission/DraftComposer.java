package org.postbus.gateway.submission;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.apache.james.mime4j.dom.Message;
import org.apache.james.mime4j.dom.Multipart;
import org.apache.james.mime4j.dom.address.Mailbox;
import org.apache.james.mime4j.message.BasicBodyFactory;
import org.apache.james.mime4j.message.BodyPart;
import org.apache.james.mime4j.message.BodyPartBuilder;
import org.apache.james.mime4j.message.DefaultMessageWriter;
import org.apache.james.mime4j.message.MultipartBuilder;
import org.apache.james.mime4j.stream.NameValuePair;
import org.apache.james.mime4j.stream.RawField;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.submission.Draft.Address;
import org.postbus.gateway.submission.Draft.Attachment;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.model.EmailHeaders;

/**
 * Writes the message of a {@link Draft} with mime4j: US-ASCII, texts as quoted-printable, attachments by {@link AttachmentPart}, long fields
 * folded. Pure.
 */
final class DraftComposer {
    /** Of a field that mail servers and programs take: about 4 KiB. */
    private static final int REFERENCES_MAX = 50;
    /** Of a Message-ID, in octets. Longer than any mail program makes one. */
    private static final int ID_LENGTH_MAX = 500;

    private final Draft draft;

    private DraftComposer(Draft draft) {
        this.draft = draft;
    }

    /**
     * @param own the account's address, the sender if the draft names none
     * @param parentHeaders of the email that the message answers or forwards
     * @throws org.postbus.gateway.problem.ProblemException 422 if there is no sender, or the message has more than 10 MiB
     */
    static NewMessage compose(Draft draft, String own, Optional<EmailHeaders> parentHeaders, Instant now) {
        return new DraftComposer(draft).compose(own, parentHeaders, now);
    }

    private NewMessage compose(String own, Optional<EmailHeaders> parentHeaders, Instant now) {
        Address sender = draft.from()
                .orElseGet(() -> new Address(
                        "",
                        Addresses.valid(own)
                                .orElseThrow(() -> Problem.invalid(List.of(Violation.at(
                                        "from is required, because mail can not be sent from the account's address",
                                        "from"))))));
        Set<String> recipients = new LinkedHashSet<>();
        Stream.of(draft.to(), draft.cc(), draft.bcc())
                .flatMap(List::stream)
                .forEach(address -> recipients.add(address.email()));
        String messageId = RawMessage.newId(sender.email());
        try {
            Message.Builder builder = Message.Builder.of()
                    .setMessageId("<" + messageId + ">")
                    .setDate(Date.from(draft.sendAt().orElse(now)), TimeZone.getTimeZone("UTC"))
                    .setFrom(sender.mailbox())
                    .setSubject(draft.subject());
            if (!draft.to().isEmpty()) {
                builder.setTo(mailboxes(draft.to()));
            }
            if (!draft.cc().isEmpty()) {
                builder.setCc(mailboxes(draft.cc()));
            }
            if (!draft.bcc().isEmpty()) {
                builder.setBcc(mailboxes(draft.bcc()));
            }
            if (!draft.replyTo().isEmpty()) {
                builder.setReplyTo(mailboxes(draft.replyTo()));
            }
            List<String> references = references(parentHeaders);
            if (!references.isEmpty()) {
                builder.addField(new RawField("In-Reply-To", "<" + references.getLast() + ">"));
                builder.addField(new RawField("References", "<" + String.join("> <", references) + ">"));
            }
            body(builder);
            var octets = new LimitedOutput();
            new DefaultMessageWriter().writeMessage(builder.build(), octets);
            return new NewMessage(
                    OutgoingMessage.of(octets.toByteArray()),
                    messageId,
                    draft.subject(),
                    sender.email(),
                    List.copyOf(recipients));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the composing of a message that becomes too large: encoded as quoted-printable a text can have three times its octets. */
    private static final class LimitedOutput extends ByteArrayOutputStream {
        @Override
        public synchronized void write(int octet) {
            require(1);
            super.write(octet);
        }

        @Override
        public synchronized void write(byte[] octets, int offset, int length) {
            require(length);
            super.write(octets, offset, length);
        }

        private void require(int more) {
            if (more > NewMessage.OCTETS_MAX - count) {
                throw Problem.invalid(List.of(Violation.at(
                        "the message has more than 10 MiB; send fewer or smaller attachments", "attachments")));
            }
        }
    }

    /**
     * RFC 5322 section 3.6.4: the parent's References and then its Message-ID. Leaves out ids that a header can not hold, and of a very
     * long list all but the first and the last ones.
     */
    private List<String> references(Optional<EmailHeaders> parentHeaders) {
        if (draft.parent().filter(Draft.Parent::isAnswered).isEmpty() || parentHeaders.isEmpty()) {
            return List.of();
        }
        EmailHeaders headers = parentHeaders.get();
        List<String> before = headers.references().isEmpty() ? headers.inReplyTo() : headers.references();
        List<String> ids = Stream.concat(
                        before.stream(), headers.messageId().stream().limit(1))
                .filter(id -> id.length() <= ID_LENGTH_MAX
                        && id.chars().allMatch(c -> c > ' ' && c < 0x7F && c != '<' && c != '>'))
                .distinct()
                .toList();
        return ids.size() <= REFERENCES_MAX
                ? ids
                : Stream.concat(
                                ids.stream().limit(1),
                                ids.subList(ids.size() - REFERENCES_MAX + 1, ids.size()).stream())
                        .toList();
    }

    private void body(Message.Builder builder) throws IOException {
        List<Attachment> related = draft.attachments().stream()
                .filter(attachment ->
                        draft.html().isPresent() && attachment.cid().isPresent())
                .toList();
        List<Attachment> mixed = draft.attachments().stream()
                .filter(attachment -> !related.contains(attachment))
                .toList();
        List<BodyPart> alternatives = new ArrayList<>();
        if (draft.text().isPresent() || draft.html().isEmpty()) {
            alternatives.add(textPart(draft.text().orElse(""), "text/plain"));
        }
        if (draft.html().isPresent()) {
            BodyPart htmlPart = textPart(draft.html().get(), "text/html");
            alternatives.add(related.isEmpty() ? htmlPart : multipart("related", htmlPart, related));
        }
        BodyPart content = alternatives.size() == 1 ? alternatives.getFirst() : multipart("alternative", alternatives);
        BodyPart whole = mixed.isEmpty() ? content : multipart("mixed", content, mixed);
        if (whole.getBody() instanceof Multipart multipart) {
            builder.setBody(multipart);
        } else {
            builder.setBody(whole.getBody());
            builder.setContentType(whole.getMimeType(), new NameValuePair("charset", "UTF-8"));
            builder.setContentTransferEncoding("quoted-printable");
        }
    }

    private static BodyPart textPart(String text, String type) throws IOException {
        String lines = text.replace("\r\n", "\n").replace('\r', '\n').replace("\n", "\r\n");
        return BodyPartBuilder.create()
                .setBody(BasicBodyFactory.INSTANCE.textBody(lines, StandardCharsets.UTF_8))
                .setContentType(type, new NameValuePair("charset", "UTF-8"))
                .setContentTransferEncoding("quoted-printable")
                .build();
    }

    private static BodyPart multipart(String subtype, BodyPart first, List<Attachment> attachments) throws IOException {
        List<BodyPart> parts = new ArrayList<>();
        parts.add(first);
        for (Attachment attachment : attachments) {
            parts.add(AttachmentPart.of(attachment));
        }
        return multipart(subtype, parts);
    }

    private static BodyPart multipart(String subtype, List<BodyPart> parts) {
        MultipartBuilder multipart = MultipartBuilder.create(subtype);
        parts.forEach(multipart::addBodyPart);
        return BodyPartBuilder.create().setBody(multipart.build()).build();
    }

    private static List<Mailbox> mailboxes(List<Address> addresses) {
        return addresses.stream().map(Address::mailbox).toList();
    }
}
