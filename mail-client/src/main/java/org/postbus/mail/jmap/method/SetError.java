package org.postbus.mail.jmap.method;

import java.util.List;
import java.util.Objects;
import org.postbus.mail.ServerFailure;

/**
 * Why the server did not create, update or destroy one object (RFC 8620 section 5.3).
 *
 * @param type such as {@code notFound}, {@code forbidden}
 * @param description the server's, cut; may be empty
 * @param properties which properties it is about, if the server says
 */
public record SetError(String type, String description, List<String> properties) {
    public SetError {
        Objects.requireNonNull(type);
        Objects.requireNonNull(description);
        properties = List.copyOf(properties);
    }

    public ServerFailure failure() {
        return JmapFailures.ofSetError(this);
    }
}
