package org.postbus.gateway.rest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import org.postbus.gateway.problem.Problem;

/**
 * The JSON of a request body, not validated yet. Every body of the API is parsed here, within limits that no valid request reaches: a
 * body that exceeds one is refused before what it holds takes time or memory.
 */
public final class RequestJson {
    /** The media type of RFC 7396. */
    public static final String MERGE_PATCH = "application/merge-patch+json";

    static final int NESTING_MAX = 32;
    static final int NAME_LENGTH_MAX = 1_000;
    static final int NUMBER_LENGTH_MAX = 100;
    /** The largest string is a text or an attachment of a message in base64. */
    static final int STRING_LENGTH_MAX = 14 << 20;
    /** Names, values and brackets. A batch of 1 MiB has fewer. */
    static final int TOKENS_MAX = 200_000;

    private static final String LIMITS = "at most " + NESTING_MAX + " levels, " + TOKENS_MAX + " names and values, "
            + NAME_LENGTH_MAX + " characters of a name, " + NUMBER_LENGTH_MAX + " of a number";

    // Names are neither interned nor kept in a symbol table: both are shared by all requests, and a client chooses the
    // names.
    private static final ObjectReader READER = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(NESTING_MAX)
                            .maxNameLength(NAME_LENGTH_MAX)
                            .maxNumberLength(NUMBER_LENGTH_MAX)
                            .maxStringLength(STRING_LENGTH_MAX)
                            .maxTokenCount(TOKENS_MAX)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build()
            .readerFor(JsonNode.class);

    private RequestJson() {}

    /**
     * Takes time in proportion to the size of the body: above {@code BodyOctetsMax.DEFAULT} never call it on an event loop.
     *
     * @throws org.postbus.gateway.problem.ProblemException 400 if it is not JSON, exceeds a limit or names a property twice; 422 if it is
     *     not an object
     */
    public static JsonNode object(byte[] body) {
        JsonNode json;
        try {
            json = READER.readTree(body == null ? new byte[0] : body);
        } catch (StreamConstraintsException e) {
            throw Problem.badRequest("the JSON of the body exceeds a limit: " + LIMITS);
        } catch (IOException e) {
            throw Problem.badRequest("the body is not valid JSON, or names a property twice");
        }
        if (json.isMissingNode()) {
            throw Problem.badRequest("the body is empty; send a JSON object");
        }
        if (!json.isObject()) {
            throw Problem.invalid(List.of(Problem.Violation.at("must be a JSON object")));
        }
        return json;
    }
}
