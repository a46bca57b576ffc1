package org.postbus.writer.ingest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Map;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.observation.ObservationBatch;

/**
 * Decodes a record's value and strips what PostgreSQL's text and jsonb cannot hold, U+0000 and lone surrogates: mail may contain
 * them, and must not become poison by it. In JSON both can only stand as an escape, so clean records are not walked.
 */
public final class ObservationDecoder {
    private static final int ESCAPED_DIGITS = 4;

    private ObservationDecoder() {}

    /** @throws MalformedRecordException if it is not a batch */
    public static ObservationBatch decode(byte[] json) {
        if (!mayHoldUnstorable(json)) {
            return EventCodec.decode(json, ObservationBatch.class);
        }
        JsonNode clean = cleaned(EventCodec.decode(json, JsonNode.class));
        return EventCodec.decode(EventCodec.encode(clean), ObservationBatch.class);
    }

    public static String storable(String text) {
        int first = 0;
        while (first < text.length() && isStorable(text, first)) {
            first++;
        }
        if (first == text.length()) {
            return text;
        }
        StringBuilder kept = new StringBuilder(text.length()).append(text, 0, first);
        for (int i = first; i < text.length(); i++) {
            if (isStorable(text, i)) {
                kept.append(text.charAt(i));
            }
        }
        return kept.toString();
    }

    private static boolean isStorable(String text, int i) {
        char c = text.charAt(i);
        if (Character.isHighSurrogate(c)) {
            return i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1));
        }
        if (Character.isLowSurrogate(c)) {
            return i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
        }
        return c != 0;
    }

    /** Whether there is an escape of U+0000 or of half a surrogate pair; a whole pair is how the encoder writes an emoji. */
    private static boolean mayHoldUnstorable(byte[] json) {
        for (int i = 0; i + 1 < json.length; i++) {
            if (json[i] != '\\') {
                continue;
            }
            i++;
            if (json[i] == 'u') {
                int unit = escaped(json, i + 1);
                if (unit == 0 || Character.isLowSurrogate((char) unit)) {
                    return true;
                }
                i += ESCAPED_DIGITS;
                if (Character.isHighSurrogate((char) unit)) {
                    if (i + 2 >= json.length || json[i + 1] != '\\' || json[i + 2] != 'u') {
                        return true;
                    }
                    if (!Character.isLowSurrogate((char) escaped(json, i + 3))) {
                        return true;
                    }
                    i += 2 + ESCAPED_DIGITS;
                }
            }
        }
        return false;
    }

    /** The UTF-16 unit whose four digits begin here; 0, which is looked at more closely, if they do not. */
    private static int escaped(byte[] json, int at) {
        if (at + ESCAPED_DIGITS > json.length) {
            return 0;
        }
        int unit = 0;
        for (int i = at; i < at + ESCAPED_DIGITS; i++) {
            int digit = Character.digit(json[i], 16);
            if (digit < 0) {
                return 0;
            }
            unit = unit << 4 | digit;
        }
        return unit;
    }

    private static JsonNode cleaned(JsonNode node) {
        return switch (node) {
            case TextNode text -> TextNode.valueOf(storable(text.textValue()));
            case ArrayNode array -> {
                ArrayNode clean = array.arrayNode(array.size());
                array.forEach(item -> clean.add(cleaned(item)));
                yield clean;
            }
            case ObjectNode object -> {
                ObjectNode clean = object.objectNode();
                for (Map.Entry<String, JsonNode> field : object.properties()) {
                    clean.set(storable(field.getKey()), cleaned(field.getValue()));
                }
                yield clean;
            }
            case JsonNode other -> other;
        };
    }
}
