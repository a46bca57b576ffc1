package org.postbus.outbound.jmap;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.WrittenEmail;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;

/** The server's ids of an account's mailboxes with the roles drafts and sent. */
record SentMailboxes(Optional<String> drafts, Optional<String> sent) {
    static SentMailboxes of(List<JmapMailbox> mailboxes) {
        return new SentMailboxes(withRole(mailboxes, MailboxRole.DRAFTS), withRole(mailboxes, MailboxRole.SENT));
    }

    private static Optional<String> withRole(List<JmapMailbox> mailboxes, MailboxRole role) {
        return mailboxes.stream()
                .filter(mailbox -> mailbox.role().equals(Optional.of(role)))
                .map(JmapMailbox::id)
                .findFirst();
    }

    /** The mailbox that a draft is imported into. */
    String draftsOrSent() {
        return drafts.or(() -> sent)
                .orElseThrow(() -> new ServerException(new ServerFailure.Rejected(
                        "no-drafts-mailbox", "the account has no mailbox for drafts or for sent mail")));
    }

    boolean isFiled(WrittenEmail email) {
        return sent.filter(email.mailboxIds()::contains).isPresent() && !isDraft(email);
    }

    static boolean isDraft(WrittenEmail email) {
        return email.keywords().contains(Keyword.DRAFT);
    }

    /** The patch that turns a draft into a sent message, filed in Sent. */
    EmailPatch filing() {
        Map<String, Boolean> mailboxIds = new HashMap<>();
        if (sent.isPresent()) {
            drafts.ifPresent(id -> mailboxIds.put(id, false));
            mailboxIds.put(sent.get(), true);
        }
        return new EmailPatch(Map.of(Keyword.DRAFT, false, Keyword.SEEN, true), mailboxIds);
    }
}
