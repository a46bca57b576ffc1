package org.postbus.mail.imap.grammar.response;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.response.ImapValue.Values;

/**
 * Makes a structure of the nested lists of BODYSTRUCTURE. Fields are recognised by their shape where servers omit,
 * swap or add some. What cannot be understood is missing from the structure, and every part keeps its number.
 */
final class BodyStructureReader {
    private static final int BASIC_FIELDS = 7;

    private BodyStructureReader() {}

    /** @throws ImapSyntaxException if it is not a list at all */
    static BodyStructure read(ImapValue value) {
        if (!(value instanceof Values values) || values.size() == 0) {
            throw new ImapSyntaxException("a structure without parts");
        }
        return isMultipart(values) ? multipart(values, "") : part(values, "1");
    }

    private static BodyStructure child(ImapValue value, String partId) {
        if (!(value instanceof Values values) || values.size() == 0) {
            return unknown(partId);
        }
        return isMultipart(values) ? multipart(values, partId) : part(values, partId);
    }

    private static BodyStructure.Part unknown(String partId) {
        return new BodyStructure.Part(
                partId,
                "application/octet-stream",
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Map.of(),
                Optional.empty());
    }

    /** Parts first; or none at all (Gmail), and the subtype with its parameters is where a type and subtype would be. */
    private static boolean isMultipart(Values values) {
        return values.get(0) instanceof Values
                || (values.get(0) instanceof ImapValue.Nil && values.size() < BASIC_FIELDS)
                || (values.get(1) instanceof Values && values.size() < BASIC_FIELDS);
    }

    /** {@code body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]} */
    private static BodyStructure multipart(Values values, String partId) {
        List<BodyStructure> parts = new ArrayList<>();
        String prefix = partId.isEmpty() ? "" : partId + ".";
        int at = 0;
        while (at < values.size() && !(values.get(at) instanceof ImapValue.Text)) {
            parts.add(child(values.get(at), prefix + (at + 1)));
            at++;
        }
        if (parts.stream().allMatch(part -> part.equals(unknown(part.partId())))) {
            parts = List.of(); // NIL for want of any
        }
        return new BodyStructure.Multipart(
                partId, values.get(at).lowerCase().orElse("mixed"), parameters(values.get(at + 1)), parts);
    }

    /** {@code body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]} */
    private static BodyStructure part(Values values, String partId) {
        String type = values.get(0).lowerCase().orElse("application");
        String subtype = values.get(1).lowerCase().orElse(type.equals("text") ? "plain" : "octet-stream");
        int at = BASIC_FIELDS;
        Optional<BodyStructure> message = Optional.empty();
        if (holdsMessage(type, values)) {
            message = message(values.get(at + 1), partId);
            at += 3;
        } else if (values.get(at).isNumber()) { // lines: of text, and some servers count them of anything
            at++;
        }
        Optional<String> disposition = Optional.empty();
        Map<String, String> dispositionParameters = Map.of();
        // Behind the checksum: disposition and language, in this order or, from some servers, the other.
        for (int i = at; i < Math.min(at + 4, values.size()) && disposition.isEmpty(); i++) {
            if (values.get(i) instanceof Values list
                    && list.size() <= 2
                    && list.get(0) instanceof ImapValue.Text
                    && (list.get(1) instanceof Values
                            || (list.size() == 2 && list.get(1).isNil()))) {
                disposition = list.get(0).lowerCase();
                dispositionParameters = parameters(list.get(1));
            } else if (i > at) {
                disposition = values.get(i).lowerCase().filter(BodyStructureReader::isDisposition);
            }
        }
        return new BodyStructure.Part(
                partId,
                type + "/" + subtype,
                parameters(values.get(2)),
                values.get(3).text(),
                values.get(5).lowerCase(),
                values.get(6).number(),
                disposition,
                dispositionParameters,
                message);
    }

    private static boolean isDisposition(String word) {
        return word.equals("attachment") || word.equals("inline");
    }

    /** Envelope, structure, lines: all three, or the server left them out and what follows is the checksum. */
    private static boolean holdsMessage(String type, Values values) {
        return type.equals("message")
                && !(values.get(BASIC_FIELDS) instanceof ImapValue.Text)
                && !(values.get(BASIC_FIELDS + 1) instanceof ImapValue.Text)
                && (values.get(BASIC_FIELDS + 2).isNumber() || values.get(BASIC_FIELDS) instanceof Values);
    }

    private static Optional<BodyStructure> message(ImapValue body, String partId) {
        if (!(body instanceof Values values) || values.size() == 0) {
            return Optional.empty();
        }
        return Optional.of(isMultipart(values) ? multipart(values, partId) : part(values, partId + ".1"));
    }

    /** {@code body-fld-param = "(" string SP string *(SP string SP string) ")" / nil}; of a repeated name the first. */
    private static Map<String, String> parameters(ImapValue value) {
        Map<String, String> parameters = new LinkedHashMap<>();
        if (value instanceof Values list) {
            for (int i = 0; i + 1 < list.size(); i += 2) {
                Optional<String> name = list.get(i).text();
                Optional<String> text = list.get(i + 1).text();
                if (name.isPresent() && text.isPresent()) {
                    parameters.putIfAbsent(name.get().toLowerCase(Locale.ROOT), text.get());
                }
            }
        }
        return parameters;
    }
}
