package org.postbus.gateway.content;

import java.util.Objects;
import org.postbus.model.EmailBody;

/** @param isWhole it is what there is; otherwise worth showing and not worth keeping */
record FetchedBody(EmailBody body, boolean isWhole) {
    FetchedBody {
        Objects.requireNonNull(body);
    }
}
