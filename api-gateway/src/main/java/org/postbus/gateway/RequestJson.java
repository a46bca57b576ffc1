package org.postbus.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;

/** The JSON of a request, before anybody knows whether it is valid. */
public final class RequestJson {
    private RequestJson() {}

    /** @throws ProblemException 400 if it is not JSON, 422 if it is not an object */
    public static JsonNode object(byte[] body) {
        JsonNode json;
        try {
            json = EventCodec.decode(body == null ? new byte[0] : body, JsonNode.class);
        } catch (MalformedRecordException e) {
            throw Problem.badRequest("the body is not JSON");
        }
        if (!json.isObject()) {
            throw Problem.invalid(List.of(Problem.Violation.at("must be an object")));
        }
        return json;
    }
}
