package org.postbus.gateway.account;

import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.postbus.model.MailboxId;

/** A message that the server lists and that could not be read. The other messages of its mailbox are synced. */
record QuarantinedMessage(UUID id, MailboxId mailboxId, long uidValidity, long uid, String reason, Instant at) {
    QuarantinedMessage {
        Objects.requireNonNull(id);
        Objects.requireNonNull(mailboxId);
        Objects.requireNonNull(reason);
        Objects.requireNonNull(at);
    }
}
