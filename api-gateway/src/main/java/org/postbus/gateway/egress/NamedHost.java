package org.postbus.gateway.egress;

import java.util.List;
import java.util.Objects;

/**
 * A host that a request names.
 *
 * @param host a name or an address, without brackets
 * @param path the names of the properties that lead to it in the request
 */
public record NamedHost(String host, List<String> path) {
    public NamedHost {
        Objects.requireNonNull(host);
        path = List.copyOf(path);
    }
}
