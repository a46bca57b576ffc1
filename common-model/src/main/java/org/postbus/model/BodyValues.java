package org.postbus.model;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.UTF8StreamJsonParser;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.AbstractMap;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.postbus.codec.EventCodec;

/**
 * {@link EmailBody#bodyValues()} as JSON that is decoded on first use. Body values are most of the bytes that Postbus handles, and the writer
 * only stores them: decoding and encoding them again was half of its work. Their shape is checked when the record is decoded.
 */
final class BodyValues extends AbstractMap<String, EmailBodyValue> {
    private static final TypeReference<Map<String, EmailBodyValue>> READ = new TypeReference<>() {};

    private final RawJson json;
    private Map<String, EmailBodyValue> read;

    private BodyValues(RawJson json) {
        this.json = json;
    }

    /** The same instance if it is one already. */
    static Map<String, EmailBodyValue> copyOf(Map<String, EmailBodyValue> values) {
        return values instanceof BodyValues ? values : Map.copyOf(values);
    }

    @Override
    public synchronized Set<Entry<String, EmailBodyValue>> entrySet() {
        if (read == null) {
            try {
                read = Map.copyOf(EventCodec.mapper().readValue(json.asUnquotedUTF8(), READ));
            } catch (IOException checkedBefore) {
                throw new UncheckedIOException("the body values cannot be decoded", checkedBefore);
            }
        }
        return read.entrySet();
    }

    static final class Writer extends JsonSerializer<Map<String, EmailBodyValue>> {
        @Override
        public void serialize(Map<String, EmailBodyValue> values, JsonGenerator out, SerializerProvider provider)
                throws IOException {
            if (values instanceof BodyValues unread) {
                out.writeRawValue(unread.json);
                return;
            }
            out.writeStartObject();
            for (Entry<String, EmailBodyValue> value : new TreeMap<>(values).entrySet()) {
                out.writeFieldName(value.getKey());
                provider.defaultSerializeValue(value.getValue(), out);
            }
            out.writeEndObject();
        }
    }

    static final class Reader extends JsonDeserializer<Map<String, EmailBodyValue>> {
        @Override
        public Map<String, EmailBodyValue> deserialize(JsonParser in, DeserializationContext context)
                throws IOException {
            if (context.getAttribute(EventCodec.SOURCE) instanceof byte[] source
                    && in instanceof UTF8StreamJsonParser
                    && in.hasToken(JsonToken.START_OBJECT)) {
                int start = (int) in.currentTokenLocation().getByteOffset();
                while (in.nextToken() == JsonToken.FIELD_NAME) {
                    in.nextToken();
                    check(in, context);
                }
                int end = (int) in.currentLocation().getByteOffset();
                return new BodyValues(new RawJson(Arrays.copyOfRange(source, start, end)));
            }
            return context.readValue(in, context.getTypeFactory().constructType(READ));
        }

        /** Checks the shape of an {@link EmailBodyValue} without decoding its strings. */
        private static void check(JsonParser in, DeserializationContext context) throws IOException {
            if (!in.hasToken(JsonToken.START_OBJECT)) {
                context.reportInputMismatch(EmailBodyValue.class, "not an object");
            }
            boolean value = false;
            boolean isEncodingProblem = false;
            boolean isTruncated = false;
            while (in.nextToken() == JsonToken.FIELD_NAME) {
                String name = in.currentName();
                JsonToken token = in.nextToken();
                value |= name.equals("value") && token == JsonToken.VALUE_STRING;
                isEncodingProblem |= name.equals("isEncodingProblem") && token.isBoolean();
                isTruncated |= name.equals("isTruncated") && token.isBoolean();
                in.skipChildren();
            }
            if (!(value && isEncodingProblem && isTruncated)) {
                context.reportInputMismatch(
                        EmailBodyValue.class, "value, isEncodingProblem or isTruncated is missing or of another type");
            }
        }
    }
}
