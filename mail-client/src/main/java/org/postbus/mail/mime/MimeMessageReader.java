package org.postbus.mail.mime;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.james.mime4j.MimeException;
import org.apache.james.mime4j.stream.EntityState;
import org.apache.james.mime4j.stream.MimeConfig;
import org.apache.james.mime4j.stream.MimeTokenStream;
import org.apache.james.mime4j.stream.RecursionMode;
import org.postbus.mail.BodyTexts;
import org.postbus.mail.HeaderBudget;
import org.postbus.mail.Text;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.mime.encoding.MailCharset;
import org.postbus.mail.mime.encoding.TransferEncoding;
import org.postbus.mail.mime.header.AddressList;
import org.postbus.mail.mime.header.EntityHeader;
import org.postbus.mail.mime.header.HeaderParameters;
import org.postbus.mail.mime.header.HeaderText;
import org.postbus.mail.mime.header.MessageDate;
import org.postbus.mail.mime.header.MessageIds;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;

/**
 * Reads a raw message (RFC 5322, RFC 2045): pure, bounded, and never throws, whatever the bytes are. mime4j finds the structure;
 * headers, transfer encodings and charsets are read here, from the raw bytes.
 */
public final class MimeMessageReader {
    /** How much of one text part is looked at, decoded, in bytes: a preview may need more than what is kept of the body. */
    private static final int TEXT_PART_BYTES_MAX = 256 * 1024;

    /** mime4j's own limits are off: it gives the whole message up where we leave something out. */
    private static final MimeConfig UNLIMITED = MimeConfig.custom()
            .setMaxLineLen(-1)
            .setMaxHeaderCount(-1)
            .setMaxHeaderLen(-1)
            .setMaxContentLen(-1)
            .build();

    private final MimeLimits limits;
    private final Optional<String> wantedPartId;
    /** Of the message itself; filled while it is read. */
    private Map<String, String> fields = Map.of();

    private PartTree root;
    private DecodedPart wanted;
    private int leaves;
    private boolean incomplete;

    private MimeMessageReader(MimeLimits limits, Optional<String> wantedPartId) {
        this.limits = limits;
        this.wantedPartId = wantedPartId;
    }

    /** @param raw the message or its beginning: a message cut off anywhere is read as far as it goes */
    public static ParsedEmail parse(byte[] raw, MimeLimits limits) {
        var reader = new MimeMessageReader(limits, Optional.empty());
        reader.read(raw);
        return reader.email(raw);
    }

    /**
     * A message that is too large to be fetched whole, of its header, its structure and what was fetched of its {@link
     * #shownTexts}. The sizes of parts that were not fetched are estimates: an IMAP server counts encoded octets.
     *
     * @param header with the empty line that ends it
     * @param texts encoded as they are in the message, or their beginnings, by part id
     */
    public static ParsedEmail parse(
            byte[] header, BodyStructure structure, Map<String, byte[]> texts, MimeLimits limits) {
        return parse(header, structure, Map.of(), texts, limits);
    }

    /** @param complete leaves that are known whole, by part id; the others are as the structure has them */
    static ParsedEmail parse(
            byte[] beginning,
            BodyStructure structure,
            Map<String, PartTree.Leaf> complete,
            Map<String, byte[]> texts,
            MimeLimits limits) {
        var reader = new MimeMessageReader(limits, Optional.empty());
        reader.read(beginning);
        // A beginning without the rest is not what is incomplete here.
        reader.incomplete = false;
        reader.leaves = 0;
        reader.root = reader.tree(structure, 0, complete, texts);
        return reader.email(beginning);
    }

    /** The leaves that begin in the beginning of a message, in order; the last one may be cut off. None if its header is. */
    static List<PartTree.Leaf> leavesIn(byte[] beginning, MimeLimits limits) {
        List<PartTree.Leaf> leaves = new ArrayList<>();
        if (headerEnd(beginning) < beginning.length) {
            var reader = new MimeMessageReader(limits, Optional.empty());
            reader.read(beginning);
            if (reader.root != null) {
                collect(reader.root, leaves);
            }
        }
        return leaves;
    }

    private static void collect(PartTree tree, List<PartTree.Leaf> leaves) {
        switch (tree) {
            case PartTree.Multipart multipart -> multipart.parts().forEach(part -> collect(part, leaves));
            case PartTree.Leaf leaf -> leaves.add(leaf);
        }
    }

    /** A part as {@link #parse(byte[], BodyStructure, Map, MimeLimits)} shows it, without its content: its size is an estimate. */
    public static EmailBodyPart described(BodyStructure.Part part) {
        return leaf(part, Optional.empty()).part();
    }

    /** The texts that a reader is shown, in order: what {@link #parse(byte[], BodyStructure, Map, MimeLimits)} can use. */
    public static List<BodyStructure.Part> shownTexts(BodyStructure structure) {
        var reader = new MimeMessageReader(MimeLimits.DEFAULTS, Optional.empty());
        PartTree.Lists lists = PartTree.Lists.of(reader.tree(structure, 0, Map.of(), Map.of()));
        Set<String> shown = new HashSet<>();
        lists.text.forEach(leaf -> shown.add(leaf.part().partId()));
        lists.html.forEach(leaf -> shown.add(leaf.part().partId()));
        return structure.leaves().stream()
                .filter(part -> shown.contains(part.partId()) && isShownText(part.type()))
                .toList();
    }

    private static boolean isShownText(String type) {
        return type.equals("text/plain") || type.equals("text/html");
    }

    private PartTree tree(
            BodyStructure structure, int depth, Map<String, PartTree.Leaf> complete, Map<String, byte[]> texts) {
        return switch (structure) {
            case BodyStructure.Multipart multipart
            when depth >= limits.depthMax() -> {
                incomplete = true;
                leaves++;
                yield opaque(multipart);
            }
            case BodyStructure.Multipart multipart -> {
                List<PartTree> parts = new ArrayList<>();
                for (BodyStructure part : multipart.parts()) {
                    if (leaves >= limits.partsMax()) {
                        incomplete = true;
                        break;
                    }
                    parts.add(tree(part, depth + 1, complete, texts));
                }
                yield new PartTree.Multipart(multipart.subtype(), parts);
            }
            case BodyStructure.Part part -> {
                leaves++;
                PartTree.Leaf known = complete.get(part.partId());
                yield known != null ? known : leaf(part, Optional.ofNullable(texts.get(part.partId())));
            }
        };
    }

    /** What is nested too deep is one attachment, as large as what is in it. */
    private static PartTree.Leaf opaque(BodyStructure.Multipart multipart) {
        HeaderParameters type = HeaderParameters.of("", multipart.parameters());
        long octets = multipart.leaves().stream()
                .mapToLong(part -> part.octets().orElse(0))
                .sum();
        return new PartTree.Leaf(
                new EmailBodyPart(
                        multipart.partId(),
                        Optional.empty(),
                        octets,
                        type.parameter("name").map(name -> clean(name, 255)),
                        clean("multipart/" + multipart.subtype(), 255),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()),
                Optional.empty(),
                TransferEncoding.IDENTITY);
    }

    static PartTree.Leaf leaf(BodyStructure.Part part, Optional<byte[]> encoded) {
        TransferEncoding encoding = TransferEncoding.of(part.encoding().orElse(""));
        HeaderParameters type = HeaderParameters.of(part.type(), part.parameters());
        HeaderParameters disposition = HeaderParameters.of(part.disposition().orElse(""), part.dispositionParameters());
        boolean isText = part.type().startsWith("text/");
        EmailBodyPart described = new EmailBodyPart(
                part.partId(),
                Optional.empty(),
                size(part, encoding, encoded),
                disposition
                        .parameter("filename")
                        .or(() -> type.parameter("name"))
                        .map(name -> clean(name, 255)),
                clean(part.type(), 255),
                type.parameter("charset")
                        .map(charset -> clean(charset, 64))
                        .or(() -> isText ? Optional.of("us-ascii") : Optional.empty()),
                part.disposition().map(value -> clean(value, 64)).filter(value -> !value.isEmpty()),
                part.contentId().flatMap(MimeMessageReader::contentId));
        return new PartTree.Leaf(described, isShownText(part.type()) ? encoded : Optional.empty(), encoding);
    }

    private static long size(BodyStructure.Part part, TransferEncoding encoding, Optional<byte[]> encoded) {
        long octets = part.octets().orElse(encoded.map(all -> (long) all.length).orElse(0L));
        if (encoded.isPresent() && encoded.get().length >= octets) {
            return encoding.decodedSize(encoded.get());
        }
        return switch (encoding) {
            // Lines of 76 digits and CRLF hold 57 octets.
            case BASE64 -> octets * 57 / 78;
            case IDENTITY, QUOTED_PRINTABLE -> octets;
        };
    }

    /** The part that {@link #parse(byte[], MimeLimits)} calls {@code partId}, decoded; empty if there is none. */
    public static Optional<DecodedPart> part(byte[] raw, String partId, MimeLimits limits) {
        var reader = new MimeMessageReader(limits, Optional.of(partId));
        reader.read(raw);
        return Optional.ofNullable(reader.wanted);
    }

    /** A multipart that is being read, and the part specifier of its parts: {@code ""} or {@code "1.2."}. */
    private record Level(String prefix, PartTree.Multipart multipart) {}

    private void read(byte[] raw) {
        var header = new EntityHeader(limits.header(), 0, "");
        fields = header.fields();
        var stream = new MimeTokenStream(UNLIMITED, header);
        // A message inside a message is an attachment.
        stream.setRecursionMode(RecursionMode.M_NO_RECURSE);
        Deque<Level> levels = new ArrayDeque<>();
        try {
            stream.parse(new ByteArrayInputStream(raw));
            for (EntityState state = stream.getState();
                    state != EntityState.T_END_OF_STREAM && wanted == null;
                    state = stream.next()) {
                switch (state) {
                    case T_START_MULTIPART -> startMultipart(stream, levels);
                    case T_END_MULTIPART -> levels.pop();
                    case T_BODY -> {
                        if (leaves == limits.partsMax()) {
                            incomplete = true;
                            return;
                        }
                        leaves++;
                        leaf(stream, levels);
                    }
                    case T_START_MESSAGE,
                            T_END_MESSAGE,
                            T_RAW_ENTITY,
                            T_START_HEADER,
                            T_FIELD,
                            T_END_HEADER,
                            T_PREAMBLE,
                            T_EPILOGUE,
                            T_START_BODYPART,
                            T_END_BODYPART,
                            T_END_OF_STREAM -> {
                        // Nothing of ours in these.
                    }
                }
            }
        } catch (MimeException | IOException | RuntimeException malformed) {
            // RuntimeException: mime4j throws some on nonsense. What was read until then stands.
            incomplete = true;
        }
    }

    private EntityHeader.Entity entity(MimeTokenStream stream) {
        EntityHeader.Entity entity = (EntityHeader.Entity) stream.getBodyDescriptor();
        incomplete |= entity.overLimit();
        return entity;
    }

    private void startMultipart(MimeTokenStream stream, Deque<Level> levels) {
        EntityHeader.Entity entity = entity(stream);
        var multipart = new PartTree.Multipart(entity.type().substring("multipart/".length()), new ArrayList<>());
        String prefix = levels.isEmpty() ? "" : nextPartId(levels) + ".";
        add(multipart, levels);
        levels.push(new Level(prefix, multipart));
    }

    private static String nextPartId(Deque<Level> levels) {
        Level level = levels.peek();
        return level == null ? "1" : level.prefix + (level.multipart.parts().size() + 1);
    }

    private void add(PartTree part, Deque<Level> levels) {
        if (levels.isEmpty()) {
            root = part;
        } else {
            levels.peek().multipart.parts().add(part);
        }
    }

    private void leaf(MimeTokenStream stream, Deque<Level> levels) throws IOException {
        EntityHeader.Entity entity = entity(stream);
        byte[] encoded = stream.getInputStream().readAllBytes();
        String partId = nextPartId(levels);
        boolean isKept =
                isShownText(entity.type()) && !entity.disposition().value().equals("attachment");
        // Undone once where it may be needed: what it comes to is its size, too.
        boolean isUndone = isKept && encoded.length <= TEXT_PART_BYTES_MAX;
        byte[] content = isUndone ? entity.encoding().decode(encoded, encoded.length) : encoded;
        TransferEncoding encoding = isUndone ? TransferEncoding.IDENTITY : entity.encoding();
        EmailBodyPart part = part(entity, partId, encoding.decodedSize(content));
        add(new PartTree.Leaf(part, isKept ? Optional.of(content) : Optional.empty(), encoding), levels);
        if (wantedPartId.equals(Optional.of(partId))) {
            wanted = new DecodedPart(part, entity.encoding().decode(encoded, Integer.MAX_VALUE));
        }
    }

    private static EmailBodyPart part(EntityHeader.Entity entity, String partId, long size) {
        boolean isText = entity.type().startsWith("text/");
        return new EmailBodyPart(
                partId,
                Optional.empty(),
                size,
                entity.disposition()
                        .parameter("filename")
                        .or(() -> entity.contentType().parameter("name"))
                        .map(name -> clean(name, 255)),
                clean(entity.type(), 255),
                entity.contentType()
                        .parameter("charset")
                        .map(charset -> clean(charset, 64))
                        // RFC 8621 section 4.1.4: implicit for text.
                        .or(() -> isText ? Optional.of("us-ascii") : Optional.empty()),
                Optional.of(clean(entity.disposition().value(), 64)).filter(value -> !value.isEmpty()),
                Optional.ofNullable(entity.fields().get("content-id")).flatMap(MimeMessageReader::contentId));
    }

    private static Optional<String> contentId(String field) {
        String id = field.strip();
        if (id.startsWith("<") && id.endsWith(">")) {
            id = id.substring(1, id.length() - 1).strip();
        }
        return id.isEmpty() ? Optional.empty() : Optional.of(clean(HeaderText.raw(id), 998));
    }

    private static String clean(String text, int lengthMax) {
        return Text.cut(Text.clean(text), lengthMax);
    }

    private ParsedEmail email(byte[] raw) {
        PartTree.Lists lists = root == null ? new PartTree.Lists() : PartTree.Lists.of(root);
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
                lists.attachments.stream().anyMatch(MimeMessageReader::isAttachment),
                preview,
                headerHash(raw),
                incomplete);
    }

    /** @return the preview: the one that there is already, or one of this part */
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

    /** A picture that the HTML shows and a signature to be checked are nothing that a reader would open. */
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
    private static int headerEnd(byte[] raw) {
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
