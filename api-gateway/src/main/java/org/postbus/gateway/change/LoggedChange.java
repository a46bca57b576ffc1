package org.postbus.gateway.change;

import java.util.Objects;
import org.postbus.change.ChangeEvent;
import org.postbus.model.AccountId;

/**
 * One change, as stored and as published.
 *
 * @param type the CloudEvents type
 * @param data the JSON of an {@link org.postbus.change.ChangeEvent}, shared, so it must not be modified
 */
record LoggedChange(AccountId account, long seq, String type, byte[] data) {
    private static final String DELETION = ChangeEvent.typeOf(new ChangeEvent.AccountDeleted());

    LoggedChange {
        Objects.requireNonNull(account);
        Objects.requireNonNull(type);
        Objects.requireNonNull(data);
    }

    /** Whether it is the account's last change. */
    boolean isDeletion() {
        return type.equals(DELETION);
    }
}
