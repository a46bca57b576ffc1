package org.postbus.mail.imap.grammar;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The parts of a message without their content (RFC 9051 section 7.5.2), as far as the answer can be understood. Texts
 * are raw, one character per octet: a file name may still be encoded (RFC 2047, RFC 2231). Types, subtypes and the
 * names of parameters are in lower case.
 */
public sealed interface BodyStructure {

    /** The part specifier for {@code BODY[…]}: {@code 1.2}; empty for a multipart that is the message itself. */
    String partId();

    /** @param subtype {@code mixed}, {@code alternative} …; servers send multiparts without any part */
    record Multipart(String partId, String subtype, Map<String, String> parameters, List<BodyStructure> parts)
            implements BodyStructure {
        public Multipart {
            Objects.requireNonNull(partId);
            Objects.requireNonNull(subtype);
            parameters = unmodifiable(parameters);
            parts = List.copyOf(parts);
        }
    }

    /**
     * @param type {@code text/plain}; {@code application/octet-stream} where the server says nothing
     * @param contentId with its angle brackets
     * @param encoding in lower case: {@code base64}
     * @param octets in that encoding; empty where the server says -1 or nothing
     * @param disposition in lower case: {@code attachment}
     * @param dispositionParameters {@code filename}, {@code size} …
     * @param message what a {@code message/rfc822} holds
     */
    record Part(
            String partId,
            String type,
            Map<String, String> parameters,
            Optional<String> contentId,
            Optional<String> encoding,
            OptionalLong octets,
            Optional<String> disposition,
            Map<String, String> dispositionParameters,
            Optional<BodyStructure> message)
            implements BodyStructure {
        public Part {
            Objects.requireNonNull(partId);
            Objects.requireNonNull(type);
            parameters = unmodifiable(parameters);
            Objects.requireNonNull(contentId);
            Objects.requireNonNull(encoding);
            Objects.requireNonNull(octets);
            Objects.requireNonNull(disposition);
            dispositionParameters = unmodifiable(dispositionParameters);
            Objects.requireNonNull(message);
        }
    }

    /**
     * The parts that have content, in order. A message inside the message is one of them; its own parts are not
     * listed.
     */
    default List<Part> leaves() {
        List<Part> leaves = new ArrayList<>();
        collect(this, leaves);
        return List.copyOf(leaves);
    }

    /** About how many bytes of memory it takes. */
    default long bytes() {
        return switch (this) {
            case Multipart multipart ->
                200
                        + bytes(multipart.parameters())
                        + multipart.parts().stream()
                                .mapToLong(BodyStructure::bytes)
                                .sum();
            case Part part ->
                500
                        + bytes(part.parameters())
                        + bytes(part.dispositionParameters())
                        + part.contentId().map(String::length).orElse(0)
                        + part.message().map(BodyStructure::bytes).orElse(0L);
        };
    }

    private static long bytes(Map<String, String> parameters) {
        return parameters.entrySet().stream()
                .mapToLong(entry ->
                        150 + entry.getKey().length() + entry.getValue().length())
                .sum();
    }

    private static void collect(BodyStructure structure, List<Part> leaves) {
        switch (structure) {
            case Multipart multipart -> multipart.parts().forEach(part -> collect(part, leaves));
            case Part part -> leaves.add(part);
        }
    }

    private static Map<String, String> unmodifiable(Map<String, String> parameters) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }
}
