package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/** Reads JSON that a mail server sent. A tree takes many times the memory of its text, so that is estimated before. */
public final class ServerJson {
    /** About the bytes of memory that one answer may take while it is read. */
    public static final long BYTES_TO_READ_MAX = 32L << 20;
    /** JMAP nests an email's parts and mailboxes, never deeper than this. */
    public static final int NESTING_MAX = 64;

    private static final int NUMBER_LENGTH_MAX = 100;
    private static final int NAME_LENGTH_MAX = 10_000;
    /** Of the text, and of its strings as objects. */
    private static final int BYTES_PER_BYTE = 3;
    /** A node, and its place in an object or array. */
    private static final int BYTES_PER_VALUE = 80;

    private static final int BUFFERS_KEPT = 8;

    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .recyclerPool(JsonRecyclerPools.newBoundedPool(BUFFERS_KEPT))
                    // Names that a server makes up would be kept for ever.
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(NESTING_MAX)
                            .maxNumberLength(NUMBER_LENGTH_MAX)
                            .maxNameLength(NAME_LENGTH_MAX)
                            .maxStringLength(Integer.MAX_VALUE) // the text as a whole is limited
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private ServerJson() {}

    /** About the bytes of memory that the text, its strings and its values take together. */
    public static long bytesToRead(byte[] text, int offset, int length) {
        long values = 1;
        boolean quoted = false;
        int end = offset + length;
        for (int i = offset; i < end; i++) {
            switch (text[i]) {
                case '"' -> quoted = !quoted;
                case '\\' -> i += quoted ? 1 : 0;
                case ',', ':', '[', '{' -> values += quoted ? 0 : 1;
                default -> {
                    // Part of a value.
                }
            }
        }
        return BYTES_PER_BYTE * (long) length + BYTES_PER_VALUE * values;
    }

    /** @throws IOException if it is not JSON, or exceeds a limit */
    public static JsonNode parse(byte[] text, int offset, int length) throws IOException {
        return MAPPER.readTree(text, offset, length);
    }

    /** @throws IOException if it is not JSON, or exceeds a limit */
    public static JsonNode parse(String text) throws IOException {
        return MAPPER.readTree(text);
    }
}
