package org.postbus.codec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The one JSON mapper, for topics, JSON columns and the API.
 *
 * <p>Strict: a component that is not {@link Optional} must be present and not null, and the checks of the records' constructors run. An unknown
 * {@code type} is an error, so a record with one is quarantined instead of ignored. Tolerant: an unknown field is ignored, so that a
 * newer producer may add optional fields.
 */
public final class EventCodec {
    /** Attribute of a reader: the bytes that it reads. */
    public static final Object SOURCE = new Object();

    /** Far above the size of a batch, so that only a broken or hostile record reaches it. */
    private static final int STRING_LENGTH_MAX = 20_000_000;

    private static final int NESTING_MAX = 64;

    /** Buffers that are kept for reuse. Not one per thread: threads are virtual here, so that would be one per batch. */
    private static final int BUFFERS_KEPT = 32;

    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .recyclerPool(JsonRecyclerPools.newBoundedPool(BUFFERS_KEPT))
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(NESTING_MAX)
                            .maxStringLength(STRING_LENGTH_MAX)
                            .build())
                    .build())
            .addModule(new Jdk8Module())
            .addModule(new JavaTimeModule())
            .annotationIntrospector(new RequiredUnlessOptional())
            .serializationInclusion(JsonInclude.Include.NON_ABSENT)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private EventCodec() {}

    /** The mapper itself, for frameworks that need one. It must not be configured. */
    public static ObjectMapper mapper() {
        return MAPPER;
    }

    /** The value as JSON in UTF-8. */
    public static byte[] encode(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("cannot be written as JSON: " + value.getClass(), e);
        }
    }

    public static String encodeToString(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("cannot be written as JSON: " + value.getClass(), e);
        }
    }

    /** @throws MalformedRecordException if the bytes are not a valid {@code type} */
    public static <T> T decode(byte[] json, Class<T> type) {
        if (json == null) {
            throw new MalformedRecordException("not a " + type.getSimpleName() + ": no value", null);
        }
        try {
            T value = MAPPER.readerFor(type).withAttribute(SOURCE, json).readValue(json);
            if (value == null) {
                throw new MalformedRecordException("not a " + type.getSimpleName() + ": null", null);
            }
            return value;
        } catch (IOException e) {
            throw new MalformedRecordException("not a " + type.getSimpleName() + ": " + reason(e), e);
        }
    }

    /** @throws MalformedRecordException if the text is not a valid {@code type} */
    public static <T> T decode(String json, Class<T> type) {
        return decode(json.getBytes(StandardCharsets.UTF_8), type);
    }

    /** The message without the excerpt of the source that Jackson adds: it may contain mail. */
    private static String reason(IOException e) {
        return e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    }

    private static final class RequiredUnlessOptional extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1;

        @Override
        public Boolean hasRequiredMarker(AnnotatedMember member) {
            return !Optional.class.isAssignableFrom(member.getRawType());
        }
    }
}
