package org.postbus.event;

import java.util.Objects;

/** A property's value before and after, in the shape that the property has in its object. */
public record Changed<T>(T oldValue, T newValue) {
    public Changed {
        Objects.requireNonNull(oldValue);
        Objects.requireNonNull(newValue);
    }
}
