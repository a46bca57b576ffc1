package org.postbus.mail.mime;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.model.EmailBodyPart;

/** Reads a raw message (RFC 5322, RFC 2045). Pure, bounded, and never throws, whatever the bytes are. */
public final class MimeMessageReader {
    private MimeMessageReader() {}

    /** @param raw the message or its beginning: it may be cut off anywhere */
    public static ParsedEmail parse(byte[] raw, MimeLimits limits) {
        MimeParts parts = MimeParts.of(raw, limits);
        return new EmailContent(limits, parts.fields(), parts.root(), parts.incomplete()).email(raw);
    }

    /**
     * A message that is too large to be fetched whole, from its header, its structure and the fetched {@link
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
        var parts = new StructuredParts(limits, complete, texts);
        PartTree root = parts.tree(structure);
        // That the beginning ends early does not make the email incomplete: the structure has the rest.
        return new EmailContent(limits, MimeParts.of(beginning, limits).fields(), Optional.of(root), parts.incomplete())
                .email(beginning);
    }

    /**
     * The leaves that begin in the beginning of a message, in order; the last one may be cut off. None if the header
     * is.
     */
    static List<PartTree.Leaf> leavesIn(byte[] beginning, MimeLimits limits) {
        List<PartTree.Leaf> leaves = new ArrayList<>();
        if (EmailContent.headerEnd(beginning) < beginning.length) {
            MimeParts.of(beginning, limits).root().ifPresent(root -> collect(root, leaves));
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
        return StructuredParts.leaf(part, Optional.empty()).part();
    }

    /** The texts that are shown, in order: those that {@link #parse(byte[], BodyStructure, Map, MimeLimits)} uses. */
    public static List<BodyStructure.Part> shownTexts(BodyStructure structure) {
        var parts = new StructuredParts(MimeLimits.DEFAULTS, Map.of(), Map.of());
        PartTree.Lists lists = PartTree.Lists.of(parts.tree(structure));
        Set<String> shown = new HashSet<>();
        lists.text.forEach(leaf -> shown.add(leaf.part().partId()));
        lists.html.forEach(leaf -> shown.add(leaf.part().partId()));
        return structure.leaves().stream()
                .filter(part -> shown.contains(part.partId()) && PartValues.isShownText(part.type()))
                .toList();
    }

    /** The part that {@link #parse(byte[], MimeLimits)} calls {@code partId}, decoded; empty if there is none. */
    public static Optional<DecodedPart> part(byte[] raw, String partId, MimeLimits limits) {
        return MimeParts.decoded(raw, partId, limits);
    }
}
