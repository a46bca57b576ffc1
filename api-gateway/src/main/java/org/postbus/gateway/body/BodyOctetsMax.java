package org.postbus.gateway.body;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The most octets that the body of a request to this method may have, where {@link #DEFAULT} is not enough. The method must then leave the
 * work on the body to {@link LargeBodies}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface BodyOctetsMax {
    /** Of every other method: an account or a mutation has a few hundred octets. So few are parsed on an event loop in milliseconds. */
    int DEFAULT = 64 << 10;

    /** In octets. */
    int value();
}
