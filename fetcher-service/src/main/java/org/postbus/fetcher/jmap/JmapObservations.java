package org.postbus.fetcher.jmap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.ObservedEmail;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.ThreadIdentity;

/** JMAP objects as observations. Pure. */
public final class JmapObservations {
    private JmapObservations() {}

    public static EmailObserved observed(JmapEmail email) {
        return new EmailObserved(
                new EmailRef.JmapEmail(email.id()),
                keys(email.mailboxIds()),
                email.keywords(),
                Optional.empty(),
                new ObservedEmail(
                        Optional.of(new EmailIdentity.Jmap(email.id())),
                        email.threadId().map(ThreadIdentity::ofJmap),
                        email.blobId(),
                        Optional.empty(),
                        email.headers(),
                        email.receivedAt(),
                        email.size(),
                        email.hasAttachment(),
                        email.preview(),
                        email.body()));
    }

    public static EmailStateObserved state(JmapEmailState email) {
        return new EmailStateObserved(
                new EmailRef.JmapEmail(email.id()), keys(email.mailboxIds()), email.keywords(), Optional.empty());
    }

    public static ObservedMailbox observed(JmapMailbox mailbox) {
        return new ObservedMailbox(
                MailboxKey.ofId(mailbox.id()),
                Optional.empty(),
                Optional.empty(),
                mailbox.name(),
                mailbox.parentId().map(MailboxKey::ofId),
                mailbox.role(),
                mailbox.sortOrder(),
                mailbox.isSubscribed(),
                mailbox.mayReadItems(),
                mailbox.totalEmails(),
                mailbox.unreadEmails());
    }

    static ObservedMailbox counted(ObservedMailbox mailbox, JmapMailboxUpdate.Counts counts) {
        return new ObservedMailbox(
                mailbox.key(),
                mailbox.renamedFrom(),
                mailbox.rawName(),
                mailbox.name(),
                mailbox.parent(),
                mailbox.role(),
                mailbox.sortOrder(),
                mailbox.isSubscribed(),
                mailbox.selectable(),
                counts.totalEmails().orElse(mailbox.totalEmails()),
                counts.unreadEmails().orElse(mailbox.unreadEmails()));
    }

    private static Set<MailboxKey> keys(Set<String> mailboxIds) {
        return mailboxIds.stream().map(MailboxKey::ofId).collect(Collectors.toUnmodifiableSet());
    }

    /** Parents first, those without a parent among them before all others; a cycle of parents, which no server should have, last. */
    static List<ObservedMailbox> parentsFirst(Collection<ObservedMailbox> mailboxes) {
        Map<MailboxKey, ObservedMailbox> waiting = new LinkedHashMap<>();
        mailboxes.forEach(mailbox -> waiting.put(mailbox.key(), mailbox));
        List<ObservedMailbox> ordered = new ArrayList<>();
        while (!waiting.isEmpty()) {
            List<ObservedMailbox> next = waiting.values().stream()
                    .filter(mailbox -> mailbox.parent()
                            .map(parent -> !waiting.containsKey(parent))
                            .orElse(true))
                    .toList();
            if (next.isEmpty()) {
                next = List.copyOf(waiting.values());
            }
            next.forEach(mailbox -> waiting.remove(mailbox.key()));
            ordered.addAll(next);
        }
        return ordered;
    }
}
