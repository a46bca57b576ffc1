package org.postbus.codec;

import java.util.Arrays;

/** An enum whose constants have names of their own in JSON, in SQL and in the API. Renaming a constant does not change them. */
public interface WireName {
    String wireName();

    /**
     * The constant with this name.
     *
     * @param what the kind of thing, for the message of the exception
     * @throws IllegalArgumentException if there is none
     */
    static <E extends WireName> E find(E[] constants, String wireName, String what) {
        return Arrays.stream(constants)
                .filter(constant -> constant.wireName().equals(wireName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(what + ": " + wireName));
    }
}
