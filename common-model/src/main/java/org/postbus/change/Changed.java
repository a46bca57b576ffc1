package org.postbus.change;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/** A property's value before and after the change, each in the shape that the property has in its object. */
public record Changed<T>(
        @JsonProperty("old") T oldValue,
        @JsonProperty("new") T newValue) {
    public Changed {
        Objects.requireNonNull(oldValue);
        Objects.requireNonNull(newValue);
    }
}
