package org.postbus.gateway.mutation;

import com.fasterxml.jackson.annotation.JsonRawValue;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;

/**
 * A wish and what came of it.
 *
 * @param kind {@code update} or {@code destroy}
 * @param patch the merge patch that was asked for; empty for {@code destroy}
 * @param state {@code queued}, {@code sending}, {@code applied}, {@code confirmed}, {@code rejected}, {@code failed} or
 *     {@code in-doubt}
 * @param nextTryAt while {@code queued}
 */
record Mutation(
        MutationId id,
        EmailId emailId,
        String kind,
        @JsonRawValue String patch,
        String state,
        int attempts,
        Optional<Instant> nextTryAt,
        Optional<String> error,
        Instant createdAt,
        Instant updatedAt) {
    Mutation {
        Objects.requireNonNull(id);
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(kind);
        Objects.requireNonNull(patch);
        Objects.requireNonNull(state);
        Objects.requireNonNull(nextTryAt);
        Objects.requireNonNull(error);
        Objects.requireNonNull(createdAt);
        Objects.requireNonNull(updatedAt);
    }
}
