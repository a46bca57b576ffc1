package org.postbus.mail.mime;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.mail.imap.grammar.BodyStructure;

/**
 * A message that is too large to be fetched whole: its beginning, and the structure that an IMAP server gives of it. It says which
 * texts are still wanted, and with these it reads as if all of it were here. Only the sizes of parts behind the beginning are
 * estimates, for the server counts encoded octets.
 */
public final class LargeMessage {
    /** Of a text, encoded, in octets: as much as is looked at when the message is there whole, however it is encoded. */
    public static final int TEXT_OCTETS_MAX = 1 << 20;
    /** Texts of one message that are fetched. A reader is shown few, and behind so many there is no room left for more. */
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
     * @return empty if the two contradict each other, or the beginning does not reach to the first part: then the structure is
     *     not to be relied on
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
            // Of the last one even the header may be cut off.
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

    /** What is to be fetched of it, {@link #TEXT_OCTETS_MAX} of each at most. */
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

    /** Some servers count another text than they send. */
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
