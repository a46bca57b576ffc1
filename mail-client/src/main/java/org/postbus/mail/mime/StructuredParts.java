package org.postbus.mail.mime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.mime.encoding.TransferEncoding;
import org.postbus.mail.mime.header.HeaderParameters;
import org.postbus.model.EmailBodyPart;

/**
 * The parts of a message as an IMAP server describes them (RFC 9051 section 7.5.2). The sizes of parts that were not fetched are
 * estimates: the server counts encoded octets.
 */
final class StructuredParts {
    private final MimeLimits limits;
    private final Map<String, PartTree.Leaf> complete;
    private final Map<String, byte[]> texts;
    private int leaves;
    private boolean incomplete;

    /**
     * @param complete leaves that are known whole, by part id; the others are as the structure has them
     * @param texts the encoded content of text parts, or its beginning, by part id
     */
    StructuredParts(MimeLimits limits, Map<String, PartTree.Leaf> complete, Map<String, byte[]> texts) {
        this.limits = limits;
        this.complete = complete;
        this.texts = texts;
    }

    PartTree tree(BodyStructure structure) {
        return tree(structure, 0);
    }

    /** Whether a limit left something out. */
    boolean incomplete() {
        return incomplete;
    }

    private PartTree tree(BodyStructure structure, int depth) {
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
                    parts.add(tree(part, depth + 1));
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

    /** A multipart that is nested too deep is one attachment with the size of all its parts. */
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
                        type.parameter("name").map(name -> PartValues.clean(name, 255)),
                        PartValues.clean("multipart/" + multipart.subtype(), 255),
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
                        .map(name -> PartValues.clean(name, 255)),
                PartValues.clean(part.type(), 255),
                type.parameter("charset")
                        .map(charset -> PartValues.clean(charset, 64))
                        .or(() -> isText ? Optional.of("us-ascii") : Optional.empty()),
                part.disposition().map(value -> PartValues.clean(value, 64)).filter(value -> !value.isEmpty()),
                part.contentId().flatMap(PartValues::contentId));
        return new PartTree.Leaf(described, PartValues.isShownText(part.type()) ? encoded : Optional.empty(), encoding);
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
}
