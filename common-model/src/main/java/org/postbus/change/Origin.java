package org.postbus.change;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;
import org.postbus.model.MutationId;

/** What caused a change: another client of the mail server, or a mutation that was requested through Postbus. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "by")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Origin.Server.class, name = "server"),
    @JsonSubTypes.Type(value = Origin.Postbus.class, name = "postbus")
})
public sealed interface Origin {
    record Server() implements Origin {}

    record Postbus(MutationId mutationId) implements Origin {
        public Postbus {
            Objects.requireNonNull(mutationId);
        }
    }
}
