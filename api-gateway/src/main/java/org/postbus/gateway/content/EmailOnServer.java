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
 * An email's location on its mail server, as far as the database knows, and the account to reach it with.
 *
 * @param revision of the account; an idle connection of another revision is not used
 * @param jmapId the JMAP id; empty for IMAP
 * @param blobId of the raw message; empty for IMAP
 * @param size of the raw message, as the server reported it
 * @param links locations of an IMAP message; empty for JMAP, and while the message is moved between mailboxes
 * @param body empty if it is not stored
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
     * @param rawName name of the mailbox, as the server sent it
     * @param uidValidity 0 if the server has none
     */
    record Link(String rawName, long uidValidity, long uid) {}
}
