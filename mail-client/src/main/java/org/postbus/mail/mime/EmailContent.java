package org.postbus.mail.mime;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.BodyTexts;
import org.postbus.mail.HeaderBudget;
import org.postbus.mail.Text;
import org.postbus.mail.mime.encoding.MailCharset;
import org.postbus.mail.mime.header.AddressList;
import org.postbus.mail.mime.header.HeaderText;
import org.postbus.mail.mime.header.MessageDate;
import org.postbus.mail.mime.header.MessageIds;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;

/**
 * Makes an email of the header and the parts of a message: RFC 8621's lists of parts, the texts, the preview and the headers.
 */
final class EmailContent {
    /** How much of one text part is decoded, in bytes: a preview may need more than what is kept of the body. */
    static final int TEXT_PART_BYTES_MAX = 256 * 1024;

    private final MimeLimits limits;
    private final Map<String, String> fields;
    private final Optional<PartTree> root;
    private final boolean incomplete;

    /** @param fields of the message, names in lower case */
    EmailContent(MimeLimits limits, Map<String, String> fields, Optional<PartTree> root, boolean incomplete) {
        this.limits = limits;
        this.fields = fields;
        this.root = root;
        this.incomplete = incomplete;
    }

    /** @param raw the message, or at least its header, which is hashed */
    ParsedEmail email(byte[] raw) {
        PartTree.Lists lists = root.map(PartTree.Lists::of).orElseGet(PartTree.Lists::new);
        var texts = new BodyTexts(limits.textBytesMax());
        String preview = "";
        for (List<PartTree.Leaf> list : List.of(lists.text, lists.html)) {
            for (PartTree.Leaf leaf : list) {
                preview = addText(leaf, texts, preview);
            }
        }
        Map<String, EmailBodyValue> values = texts.values();
        return new ParsedEmail(
                headers(),
                new EmailBody(parts(lists.text), parts(lists.html), parts(lists.attachments), values),
                lists.attachments.stream().anyMatch(EmailContent::isAttachment),
                preview,
                headerHash(raw),
                incomplete);
    }

    /** @return the existing preview, or one of this part if there is none */
    private static String addText(PartTree.Leaf leaf, BodyTexts texts, String preview) {
        String partId = leaf.part().partId();
        if (leaf.encoded().isEmpty() || texts.values().containsKey(partId)) {
            return preview;
        }
        boolean needsPreview = preview.isEmpty();
        if (!needsPreview && texts.bytesLeft() == 0) {
            texts.add(partId, "", false, leaf.part().size() > 0);
            return preview;
        }
        byte[] bytes = leaf.encoding().decode(leaf.encoded().get(), TEXT_PART_BYTES_MAX);
        boolean isCutOff = bytes.length < leaf.part().size();
        MailCharset.Decoded decoded = MailCharset.decode(bytes, leaf.part().charset(), isCutOff);
        texts.add(partId, decoded.text(), decoded.isEncodingProblem(), isCutOff);
        if (!needsPreview) {
            return preview;
        }
        String text = Text.clean(decoded.text());
        return leaf.part().type().equals("text/html") ? Preview.ofHtml(text) : Preview.ofText(text);
    }

    private static List<EmailBodyPart> parts(List<PartTree.Leaf> leaves) {
        return leaves.stream().map(PartTree.Leaf::part).toList();
    }

    /** Images that the HTML shows and signatures do not count as attachments: a reader would not open them. */
    private static boolean isAttachment(PartTree.Leaf leaf) {
        EmailBodyPart part = leaf.part();
        boolean isSignature = part.type().equals("application/pgp-signature")
                || part.type().equals("application/pkcs7-signature")
                || part.type().equals("application/x-pkcs7-signature");
        boolean isInline = part.disposition().equals(Optional.of("inline"))
                || part.disposition().isEmpty() && part.cid().isPresent() && leaf.isMedia();
        return !isSignature && !isInline;
    }

    private EmailHeaders headers() {
        var budget = new HeaderBudget();
        return new EmailHeaders(
                budget.messageIds(ids("message-id")),
                budget.messageIds(ids("in-reply-to")),
                budget.messageIds(ids("references")),
                budget.addresses(AddressList.parse(field("sender"))),
                budget.addresses(AddressList.parse(field("from"))),
                budget.addresses(AddressList.parse(field("to"))),
                budget.addresses(AddressList.parse(field("cc"))),
                budget.addresses(AddressList.parse(field("bcc"))),
                budget.addresses(AddressList.parse(field("reply-to"))),
                budget.subject(Optional.ofNullable(fields.get("subject"))
                        .map(HeaderText::decode)
                        .map(String::strip)),
                MessageDate.parse(field("date")));
    }

    private List<String> ids(String name) {
        String field = field(name);
        return field.isEmpty() ? List.of() : MessageIds.parse(field);
    }

    private String field(String name) {
        return fields.getOrDefault(name, "");
    }

    private static String headerHash(byte[] raw) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            sha256.update(raw, 0, headerEnd(raw));
            return HexFormat.of().formatHex(sha256.digest());
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java platform has SHA-256", impossible);
        }
    }

    /** The index after the first empty line, or the length. */
    static int headerEnd(byte[] raw) {
        int lineStart = 0;
        for (int i = 0; i < raw.length; i++) {
            if (raw[i] == '\n') {
                if (i == lineStart || i == lineStart + 1 && raw[lineStart] == '\r') {
                    return i + 1;
                }
                lineStart = i + 1;
            }
        }
        return raw.length;
    }
}
