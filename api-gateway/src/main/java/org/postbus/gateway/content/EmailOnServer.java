package org.postbus.gateway.content;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/**
 * Where an email is on its mail server, as far as the database knows, and how to get there.
 *
 * @param revision of the account: a connection is used as long as it is the same
 * @param jmapId the server's id; empty for IMAP
 * @param blobId of the raw message; empty for IMAP
 * @param size of the raw message, as the server said it
 * @param links where an IMAP message lies; empty for JMAP, and while it is on its way between mailboxes
 * @param body as it is kept; empty if it is not
 */
record EmailOnServer(
        TenantId tenant,
        AccountId account,
        EmailId email,
        AccountSettings settings,
        Credential credential,
        long revision,
        Optional<String> jmapId,
        Optional<String> blobId,
        long size,
        List<Link> links,
        Optional<EmailBody> body) {
    EmailOnServer {
        Objects.requireNonNull(tenant);
        Objects.requireNonNull(account);
        Objects.requireNonNull(email);
        Objects.requireNonNull(settings);
        Objects.requireNonNull(credential);
        Objects.requireNonNull(jmapId);
        Objects.requireNonNull(blobId);
        links = List.copyOf(links);
        Objects.requireNonNull(body);
    }

    /**
     * @param rawName the mailbox's, as the server sent it
     * @param uidValidity 0 where the server has none
     */
    record Link(String rawName, long uidValidity, long uid) {}
}
