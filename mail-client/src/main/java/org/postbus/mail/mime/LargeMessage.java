package org.postbus.mail.mime;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.mail.imap.grammar.BodyStructure;

/**
 * A message that is too large to be fetched whole: its beginning, and the structure that the IMAP server reports. It
 * lists the texts that must still be fetched; with these the result is the same as for the whole message, except that
 * the sizes of parts behind the beginning are estimates, because the server counts encoded octets.
 */
public final class LargeMessage {
    /**
     * Octets of an encoded text that are fetched: enough for everything that would be decoded of a whole message, in
     * any encoding.
     */
    public static final int TEXT_OCTETS_MAX = 1 << 20;
    /** Texts of one message that are fetched. Few are shown, and later ones would exceed the limit of the body. */
    public static final int TEXTS_MAX = 20;

    private final byte[] beginning;
    private final BodyStructure structure;
    private final MimeLimits limits;
    private final Map<String, PartTree.Leaf> complete;

    private LargeMessage(
            byte[] beginning, BodyStructure structure, MimeLimits limits, Map<String, PartTree.Leaf> complete) {
        this.beginning = beginning;
        this.structure = structure;
        this.limits = limits;
        this.complete = complete;
    }

    /**
     * @return empty if the two contradict each other, or the beginning ends before the first part: the structure is
     *     then not reliable
     */
    public static Optional<LargeMessage> of(byte[] beginning, BodyStructure structure, MimeLimits limits) {
        List<PartTree.Leaf> leaves = MimeMessageReader.leavesIn(beginning, limits);
        Map<String, String> types = new HashMap<>();
        structure.leaves().forEach(part -> types.put(part.partId(), part.type()));
        Map<String, PartTree.Leaf> complete = new HashMap<>();
        for (int i = 0; i < leaves.size(); i++) {
            PartTree.Leaf leaf = leaves.get(i);
            boolean isCutOff = i == leaves.size() - 1;
            boolean sameType = leaf.part().type().equals(types.get(leaf.part().partId()));
            // Even the header of the last one may be cut off.
            if (!sameType && (!isCutOff || leaf.part().size() > 0)) {
                return Optional.empty();
            }
            if (!isCutOff) {
                complete.put(leaf.part().partId(), leaf);
            }
        }
        return leaves.isEmpty()
                ? Optional.empty()
                : Optional.of(new LargeMessage(beginning, structure, limits, complete));
    }

    /** Of the beginning. */
    public int octets() {
        return beginning.length;
    }

    /** The texts that must be fetched, at most {@link #TEXT_OCTETS_MAX} of each. */
    public List<BodyStructure.Part> wantedTexts() {
        return shownTexts().stream().limit(TEXTS_MAX).toList();
    }

    private List<BodyStructure.Part> shownTexts() {
        return MimeMessageReader.shownTexts(structure).stream()
                .filter(part -> !complete.containsKey(part.partId()))
                .toList();
    }

    /** @param texts the {@link #wantedTexts} by part id, encoded as they are in the message */
    public ParsedEmail with(Map<String, byte[]> texts) {
        Map<String, PartTree.Leaf> known = new HashMap<>(complete);
        Map<String, byte[]> beginnings = new HashMap<>();
        for (BodyStructure.Part part : shownTexts()) {
            Optional<byte[]> text = Optional.ofNullable(texts.get(part.partId()));
            if (text.isPresent() && text.get().length < TEXT_OCTETS_MAX) {
                known.put(part.partId(), StructuredParts.leaf(withOctets(part, text.get().length), text));
            } else {
                beginnings.put(part.partId(), text.orElse(new byte[0]));
            }
        }
        return MimeMessageReader.parse(beginning, structure, known, beginnings, limits);
    }

    /** Some servers report another size than they send. */
    private static BodyStructure.Part withOctets(BodyStructure.Part part, int octets) {
        return new BodyStructure.Part(
                part.partId(),
                part.type(),
                part.parameters(),
                part.contentId(),
                part.encoding(),
                OptionalLong.of(octets),
                part.disposition(),
                part.dispositionParameters(),
                part.message());
    }
}
