package org.postbus.gateway.rest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;

/** The JSON of a request body, not validated yet. */
public final class RequestJson {
    /** The media type of RFC 7396. */
    public static final String MERGE_PATCH = "application/merge-patch+json";

    private RequestJson() {}

    /** @throws ProblemException 400 if it is not JSON, 422 if it is not an object */
    public static JsonNode object(byte[] body) {
        JsonNode json;
        try {
            json = EventCodec.decode(body == null ? new byte[0] : body, JsonNode.class);
        } catch (MalformedRecordException e) {
            throw Problem.badRequest("the body is not valid JSON");
        }
        if (!json.isObject()) {
            throw Problem.invalid(List.of(Problem.Violation.at("must be a JSON object")));
        }
        return json;
    }
}
