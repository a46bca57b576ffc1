package org.postbus.gateway.content;

import java.util.Objects;
import org.postbus.model.EmailBody;

/** @param isWhole if false, the body was cut off: it is shown and not stored */
record FetchedBody(EmailBody body, boolean isWhole) {
    FetchedBody {
        Objects.requireNonNull(body);
    }
}
