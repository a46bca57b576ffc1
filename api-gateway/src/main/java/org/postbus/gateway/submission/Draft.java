package org.postbus.gateway.submission;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TimeZone;
import java.util.regex.Pattern;
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
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;

/**
 * What a JSON request says is to be sent; valid in form. mime4j writes the message: US-ASCII, texts as quoted-printable,
 * attachments as base64, and folds long fields. No text of the request can hold a control character where a header field is made of it. Pure.
 */
record Draft(
        Optional<Address> from,
        List<Address> to,
        List<Address> cc,
        List<Address> bcc,
        List<Address> replyTo,
        String subject,
        Optional<String> text,
        Optional<String> html,
        List<Attachment> attachments,
        Optional<Parent> parent,
        Optional<Instant> sendAt) {
    private static final int NAME_LENGTH_MAX = 100;
    private static final int SUBJECT_LENGTH_MAX = 900;
    private static final int ATTACHMENTS_MAX = 100;
    private static final Instant SEND_AT_MAX = Instant.parse("9999-12-31T00:00:00Z");
    private static final Set<String> PROPERTIES = Set.of(
            "from",
            "to",
            "cc",
            "bcc",
            "replyTo",
            "subject",
            "text",
            "html",
            "attachments",
            "inReplyTo",
            "forwardOf",
            "sendAt");
    private static final Pattern MEDIA_TYPE = Pattern.compile("[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}");
    private static final Pattern CONTENT_ID = Pattern.compile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}");

    record Address(String name, String email) {
        Mailbox mailbox() {
            int at = email.lastIndexOf('@');
            return new Mailbox(name.isEmpty() ? null : name, email.substring(0, at), email.substring(at + 1));
        }
    }

    /** @param cid for an image of the HTML text, which then stands beside it */
    record Attachment(String name, String type, byte[] content, Optional<String> cid) {}

    /** The email that the message answers or forwards. */
    record Parent(EmailId emailId, String keyword) {
        static final String ANSWERED = "$answered";
        static final String FORWARDED = "$forwarded";

        boolean isAnswered() {
            return keyword.equals(ANSWERED);
        }
    }

    /** @throws org.postbus.gateway.ProblemException 422 that names every violation */
    static Draft of(JsonNode json) {
        return new Reader(json).read();
    }

    /**
     * The message.
     *
     * @param own the account's address, if the request names none
     * @param parentHeaders of the email that it answers
     * @throws org.postbus.gateway.ProblemException 422
     */
    NewMessage compose(String own, Optional<EmailHeaders> parentHeaders, Instant now) {
        Address sender = from.orElseGet(() -> new Address(
                "",
                Addresses.valid(own)
                        .orElseThrow(() -> Problem.invalid(
                                List.of(Violation.at("from must be given: the account's address is none", "from"))))));
        Set<String> recipients = new LinkedHashSet<>();
        Stream.of(to, cc, bcc).flatMap(List::stream).forEach(address -> recipients.add(address.email()));
        String messageId = RawMessage.newId(sender.email());
        try {
            Message.Builder builder = Message.Builder.of()
                    .setMessageId("<" + messageId + ">")
                    .setDate(Date.from(sendAt.orElse(now)), TimeZone.getTimeZone("UTC"))
                    .setFrom(sender.mailbox())
                    .setSubject(subject);
            if (!to.isEmpty()) {
                builder.setTo(mailboxes(to));
            }
            if (!cc.isEmpty()) {
                builder.setCc(mailboxes(cc));
            }
            if (!bcc.isEmpty()) {
                builder.setBcc(mailboxes(bcc));
            }
            if (!replyTo.isEmpty()) {
                builder.setReplyTo(mailboxes(replyTo));
            }
            List<String> references = references(parentHeaders);
            if (!references.isEmpty()) {
                builder.addField(new RawField("In-Reply-To", "<" + references.getLast() + ">"));
                builder.addField(new RawField("References", "<" + String.join("> <", references) + ">"));
            }
            body(builder);
            var octets = new ByteArrayOutputStream();
            new DefaultMessageWriter().writeMessage(builder.build(), octets);
            if (octets.size() > NewMessage.OCTETS_MAX) {
                throw Problem.invalid(List.of(Violation.at("the message would have more than 10 MiB", "attachments")));
            }
            return new NewMessage(
                    OutgoingMessage.of(octets.toByteArray()),
                    messageId,
                    subject,
                    sender.email(),
                    List.copyOf(recipients));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** RFC 5322 section 3.6.4: the parent's References and the parent itself, last. Only what can stand in a header. */
    private List<String> references(Optional<EmailHeaders> parentHeaders) {
        if (parent.filter(Parent::isAnswered).isEmpty() || parentHeaders.isEmpty()) {
            return List.of();
        }
        EmailHeaders headers = parentHeaders.get();
        List<String> before = headers.references().isEmpty() ? headers.inReplyTo() : headers.references();
        return Stream.concat(before.stream(), headers.messageId().stream().limit(1))
                .filter(id -> id.chars().allMatch(c -> c > ' ' && c < 0x7F && c != '<' && c != '>'))
                .distinct()
                .toList();
    }

    private void body(Message.Builder builder) throws IOException {
        List<Attachment> related = attachments.stream()
                .filter(attachment -> html.isPresent() && attachment.cid().isPresent())
                .toList();
        List<Attachment> mixed = attachments.stream()
                .filter(attachment -> !related.contains(attachment))
                .toList();
        List<BodyPart> alternatives = new ArrayList<>();
        if (text.isPresent() || html.isEmpty()) {
            alternatives.add(textPart(text.orElse(""), "text/plain"));
        }
        if (html.isPresent()) {
            BodyPart htmlPart = textPart(html.get(), "text/html");
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
            parts.add(attachmentPart(attachment));
        }
        return multipart(subtype, parts);
    }

    private static BodyPart multipart(String subtype, List<BodyPart> parts) {
        MultipartBuilder multipart = MultipartBuilder.create(subtype);
        parts.forEach(multipart::addBodyPart);
        return BodyPartBuilder.create().setBody(multipart.build()).build();
    }

    /** The name as RFC 2231 section 4 has it, which takes any character. */
    private static BodyPart attachmentPart(Attachment attachment) throws IOException {
        String name = URLEncoder.encode(attachment.name(), StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A");
        BodyPartBuilder part = BodyPartBuilder.create()
                .setBody(BasicBodyFactory.INSTANCE.binaryBody(attachment.content()))
                .setContentType(attachment.type())
                .setContentTransferEncoding("base64");
        part.setField(new RawField(
                "Content-Disposition",
                (attachment.cid().isPresent() ? "inline" : "attachment") + "; filename*=UTF-8''" + name));
        attachment.cid().ifPresent(cid -> part.setField(new RawField("Content-ID", "<" + cid + ">")));
        return part.build();
    }

    private static List<Mailbox> mailboxes(List<Address> addresses) {
        return addresses.stream().map(Address::mailbox).toList();
    }

    /** Collects everything that is wrong, so that a caller need not find out one by one. */
    private static final class Reader {
        private final JsonNode json;
        private final List<Violation> violations = new ArrayList<>();

        Reader(JsonNode json) {
            this.json = json;
        }

        Draft read() {
            json.fieldNames().forEachRemaining(name -> {
                if (!PROPERTIES.contains(name)) {
                    violations.add(Violation.at("no such property: " + name, name));
                }
            });
            List<Address> from = addresses("from");
            List<Address> to = addresses("to");
            List<Address> cc = addresses("cc");
            List<Address> bcc = addresses("bcc");
            List<Address> replyTo = addresses("replyTo");
            if (from.size() > 1) {
                violations.add(Violation.at("from may name one address", "from"));
            }
            int recipients = to.size() + cc.size() + bcc.size();
            if (violations.isEmpty() && (recipients == 0 || recipients > NewMessage.RECIPIENTS_MAX)) {
                violations.add(Violation.at(
                        "to, cc and bcc must name 1 to " + NewMessage.RECIPIENTS_MAX + " recipients", "to"));
            }
            String subject =
                    line(json.path("subject"), SUBJECT_LENGTH_MAX, "subject").orElse("");
            Optional<String> text = body("text");
            Optional<String> html = body("html");
            List<Attachment> attachments = attachments();
            Optional<Parent> parent = parent();
            Optional<Instant> sendAt = sendAt();
            if (!violations.isEmpty()) {
                throw Problem.invalid(violations);
            }
            return new Draft(
                    from.stream().findFirst(), to, cc, bcc, replyTo, subject, text, html, attachments, parent, sendAt);
        }

        private List<Address> addresses(String property) {
            List<Address> addresses = new ArrayList<>();
            JsonNode list = json.path(property);
            if (!list.isMissingNode() && !list.isArray()) {
                violations.add(Violation.at(property + " must be a list of {\"name\", \"email\"}", property));
                return addresses;
            }
            for (int i = 0; i < list.size(); i++) {
                String at = Integer.toString(i);
                JsonNode email = list.get(i).path("email");
                Optional<String> valid = email.isTextual() ? Addresses.valid(email.textValue()) : Optional.empty();
                if (valid.isEmpty()) {
                    violations.add(Violation.at("not an address that mail can go to", property, at, "email"));
                    continue;
                }
                String name = line(list.get(i).path("name"), NAME_LENGTH_MAX, property, at, "name")
                        .orElse("");
                addresses.add(new Address(name, valid.get()));
            }
            return addresses;
        }

        private Optional<String> body(String property) {
            JsonNode text = json.path(property);
            if (text.isMissingNode()) {
                return Optional.empty();
            }
            if (!text.isTextual() || text.textValue().indexOf('\0') >= 0) {
                violations.add(Violation.at(property + " must be a text without U+0000", property));
                return Optional.empty();
            }
            return Optional.of(text.textValue());
        }

        private List<Attachment> attachments() {
            List<Attachment> attachments = new ArrayList<>();
            JsonNode list = json.path("attachments");
            if (!list.isMissingNode() && !list.isArray() || list.size() > ATTACHMENTS_MAX) {
                violations.add(Violation.at("attachments must be a list of at most " + ATTACHMENTS_MAX, "attachments"));
                return attachments;
            }
            for (int i = 0; i < list.size(); i++) {
                String at = Integer.toString(i);
                JsonNode attachment = list.get(i);
                Optional<String> name = line(attachment.path("name"), NAME_LENGTH_MAX, "attachments", at, "name");
                String type = attachment.path("type").asText("application/octet-stream");
                if (!MEDIA_TYPE.matcher(type).matches() || type.regionMatches(true, 0, "multipart/", 0, 10)) {
                    violations.add(Violation.at("not a media type", "attachments", at, "type"));
                }
                Optional<String> cid =
                        Optional.ofNullable(attachment.path("cid").textValue());
                if (cid.isPresent() && !CONTENT_ID.matcher(cid.get()).matches()) {
                    violations.add(Violation.at("not a Content-ID", "attachments", at, "cid"));
                }
                try {
                    byte[] content = Base64.getDecoder()
                            .decode(attachment.path("content").asText(""));
                    attachments.add(new Attachment(name.orElse("attachment"), type, content, cid));
                } catch (IllegalArgumentException e) {
                    violations.add(Violation.at("not base64", "attachments", at, "content"));
                }
            }
            return attachments;
        }

        private Optional<Parent> parent() {
            Optional<Parent> answered = parent("inReplyTo", Parent.ANSWERED);
            Optional<Parent> forwarded = parent("forwardOf", Parent.FORWARDED);
            if (answered.isPresent() && forwarded.isPresent()) {
                violations.add(Violation.at("a message answers an email or forwards it", "forwardOf"));
            }
            return answered.or(() -> forwarded);
        }

        private Optional<Parent> parent(String property, String keyword) {
            JsonNode id = json.path(property);
            if (id.isMissingNode()) {
                return Optional.empty();
            }
            try {
                return Optional.of(new Parent(EmailId.of(id.asText("")), keyword));
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at("not the id of an email", property));
                return Optional.empty();
            }
        }

        private Optional<Instant> sendAt() {
            JsonNode time = json.path("sendAt");
            if (time.isMissingNode()) {
                return Optional.empty();
            }
            try {
                Instant sendAt = OffsetDateTime.parse(time.asText("")).toInstant();
                if (sendAt.isBefore(SEND_AT_MAX)) {
                    return Optional.of(sendAt);
                }
            } catch (DateTimeParseException e) {
                // Said below, like a time that is too far away.
            }
            violations.add(Violation.at("sendAt must be a time such as 2030-01-31T08:00:00Z", "sendAt"));
            return Optional.empty();
        }

        /** A text that a header field is made of. */
        private Optional<String> line(JsonNode text, int lengthMax, String... path) {
            if (text.isMissingNode()) {
                return Optional.empty();
            }
            String value = text.asText("");
            if (!text.isTextual() || value.length() > lengthMax || value.chars().anyMatch(Character::isISOControl)) {
                violations.add(Violation.at(
                        "must be a text of at most " + lengthMax + " characters without control characters", path));
                return Optional.empty();
            }
            return Optional.of(value);
        }
    }
}
