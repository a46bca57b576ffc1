package org.postbus.mail.mime;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import org.apache.james.mime4j.MimeException;
import org.apache.james.mime4j.stream.EntityState;
import org.apache.james.mime4j.stream.MimeConfig;
import org.apache.james.mime4j.stream.MimeTokenStream;
import org.apache.james.mime4j.stream.RecursionMode;
import org.postbus.mail.mime.encoding.TransferEncoding;
import org.postbus.mail.mime.header.EntityHeader;
import org.postbus.model.EmailBodyPart;

/**
 * The parts of a raw message. mime4j finds the structure; headers and transfer encodings are read here, from the raw bytes. What
 * was read before something malformed stands.
 */
final class MimeParts {
    /** mime4j's own limits are off: mime4j would reject the whole message, where this class leaves something out. */
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

    private MimeParts(MimeLimits limits, Optional<String> wantedPartId) {
        this.limits = limits;
        this.wantedPartId = wantedPartId;
    }

    static MimeParts of(byte[] raw, MimeLimits limits) {
        var parts = new MimeParts(limits, Optional.empty());
        parts.read(raw);
        return parts;
    }

    /** One part with its decoded content; the parts after it are not read. */
    static Optional<DecodedPart> decoded(byte[] raw, String partId, MimeLimits limits) {
        var parts = new MimeParts(limits, Optional.of(partId));
        parts.read(raw);
        return Optional.ofNullable(parts.wanted);
    }

    /** The header fields of the message, names in lower case. */
    Map<String, String> fields() {
        return fields;
    }

    /** Empty if there is nothing but a header, or not even that. */
    Optional<PartTree> root() {
        return Optional.ofNullable(root);
    }

    /** Whether a limit or a malformed part left something out. */
    boolean incomplete() {
        return incomplete;
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
                        // Nothing to do.
                    }
                }
            }
        } catch (MimeException | IOException | RuntimeException malformed) {
            // mime4j throws RuntimeExceptions on some malformed input. What was read until then is kept.
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
        boolean isKept = PartValues.isShownText(entity.type())
                && !entity.disposition().value().equals("attachment");
        // Decoded once where the content may be needed; the result also gives the size.
        boolean isUndone = isKept && encoded.length <= EmailContent.TEXT_PART_BYTES_MAX;
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
                        .map(name -> PartValues.clean(name, 255)),
                PartValues.clean(entity.type(), 255),
                entity.contentType()
                        .parameter("charset")
                        .map(charset -> PartValues.clean(charset, 64))
                        // RFC 8621 section 4.1.4: implicit for text.
                        .or(() -> isText ? Optional.of("us-ascii") : Optional.empty()),
                Optional.of(PartValues.clean(entity.disposition().value(), 64)).filter(value -> !value.isEmpty()),
                Optional.ofNullable(entity.fields().get("content-id")).flatMap(PartValues::contentId));
    }
}
