package org.postbus.writer.ingest;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.UnreadableObservation;
import org.postbus.writer.decide.StorableText;

/**
 * Decodes a record's value, without the characters that PostgreSQL's {@code text} and {@code jsonb} can not hold. Mail may contain them, and must
 * not become a poison message because of them. In JSON they can only be written as an escape, so other records are not searched.
 */
public final class ObservationDecoder {
    private static final int ESCAPED_DIGITS = 4;

    private static final int REASON_LENGTH_MAX = 1000;
    private static final int TENANT_TOKENS_MAX = 8;
    private static final int TENANT_TEXT_MAX = 36;

    private ObservationDecoder() {}

    /** @throws MalformedRecordException if the value is not a batch */
    public static ObservationBatch decode(byte[] json) {
        return decodeStorable(cleaned(json));
    }

    private static ObservationBatch decodeStorable(byte[] json) {
        return EventCodec.decode(json, ObservationBatch.class);
    }

    private static byte[] cleaned(byte[] json) {
        return mayHoldUnstorable(json) ? EventCodec.encode(storable(EventCodec.decode(json, JsonNode.class))) : json;
    }

    /** @param unreadable were left out of the batch */
    record Readable(ObservationBatch batch, List<UnreadableObservation> unreadable) {}

    /**
     * For a value that is not a batch: a batch without the observations that cannot be decoded, for example of a type that a later version
     * knows. The same value always gives the same batch.
     *
     * @throws MalformedRecordException if the rest of the value is not a batch either
     */
    static Readable decodeReadable(byte[] json) {
        JsonNode value = EventCodec.decode(cleaned(json), JsonNode.class);
        if (!(value instanceof ObjectNode object) || !(value.get("observations") instanceof ArrayNode observations)) {
            return new Readable(decodeStorable(json), List.of());
        }
        List<Observation> readable = new ArrayList<>();
        List<UnreadableObservation> unreadable = new ArrayList<>();
        for (JsonNode observation : observations) {
            byte[] one = EventCodec.encode(observation);
            try {
                readable.add(EventCodec.decode(one, Observation.class));
            } catch (MalformedRecordException e) {
                unreadable.add(new UnreadableObservation(
                        one, StorableText.of(String.valueOf(e.getMessage()), REASON_LENGTH_MAX)));
            }
        }
        object.set("observations", observations.arrayNode());
        ObservationBatch envelope = decodeStorable(EventCodec.encode(object));
        return new Readable(
                new ObservationBatch(
                        envelope.tenantId(), envelope.accountId(), envelope.fence(), envelope.seq(), readable),
                unreadable);
    }

    /**
     * What the record says is its tenant, read without decoding the rest: who waits for whom depends on it, nothing else. Empty if it is not
     * among the first fields.
     */
    static String tenantText(byte[] json) {
        if (json == null) {
            return "";
        }
        try (JsonParser parser = EventCodec.mapper().createParser(json)) {
            for (int token = 0; token < TENANT_TOKENS_MAX && parser.nextToken() != null; token++) {
                if (parser.currentToken() == JsonToken.VALUE_STRING && "tenantId".equals(parser.currentName())) {
                    return parser.getText().length() > TENANT_TEXT_MAX ? "" : parser.getText();
                }
            }
            return "";
        } catch (IOException malformed) {
            return "";
        }
    }

    /** Whether there is an escape of U+0000 or of a surrogate without its pair. Pairs are frequent: the encoder writes emoji as pairs. */
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

    /** The UTF-16 unit whose four digits begin here. 0 if there are not four digits, so that the record is searched. */
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

    private static JsonNode storable(JsonNode node) {
        return switch (node) {
            case TextNode text -> TextNode.valueOf(StorableText.of(text.textValue()));
            case ArrayNode array -> {
                ArrayNode clean = array.arrayNode(array.size());
                array.forEach(item -> clean.add(storable(item)));
                yield clean;
            }
            case ObjectNode object -> {
                ObjectNode clean = object.objectNode();
                for (Map.Entry<String, JsonNode> field : object.properties()) {
                    clean.set(StorableText.of(field.getKey()), storable(field.getValue()));
                }
                yield clean;
            }
            case JsonNode other -> other;
        };
    }
}
