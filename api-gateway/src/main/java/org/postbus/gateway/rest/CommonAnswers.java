package org.postbus.gateway.rest;

import io.quarkus.smallrye.openapi.OpenApiFilter;
import org.eclipse.microprofile.openapi.OASFactory;
import org.eclipse.microprofile.openapi.OASFilter;
import org.eclipse.microprofile.openapi.models.Operation;
import org.eclipse.microprofile.openapi.models.PathItem;
import org.eclipse.microprofile.openapi.models.responses.APIResponses;

/** Adds to the API document the answers that every operation can give, so that no resource repeats them. {@code openapi.yaml} describes them. */
@OpenApiFilter
public class CommonAnswers implements OASFilter {
    @Override
    public PathItem filterPathItem(PathItem path) {
        path.getOperations().forEach((method, operation) -> {
            add(operation, "401", "Unauthorized");
            add(operation, "429", "TooManyRequests");
            add(operation, "503", "Unavailable");
            if (method != PathItem.HttpMethod.GET) {
                add(operation, "403", "QuotaUsedUp");
            }
            if (operation.getRequestBody() != null) {
                add(operation, "400", "BadRequest");
                add(operation, "408", "RequestTimeout");
                add(operation, "413", "ContentTooLarge");
            }
        });
        return path;
    }

    private static void add(Operation operation, String status, String answer) {
        APIResponses answers =
                operation.getResponses() == null ? OASFactory.createAPIResponses() : operation.getResponses();
        if (!answers.hasAPIResponse(status)) {
            answers.addAPIResponse(status, OASFactory.createAPIResponse().ref(answer));
        }
        operation.setResponses(answers);
    }
}
