package org.postbus.writer.decide;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postbus.observation.EmailRef;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.Observation.MailboxObserved;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.Observation.UidsVanished;

/** Which mailboxes of an account a batch reads: an account may have thousands, and a flag change concerns one. */
public final class NeededMailboxes {
    private NeededMailboxes() {}

    /** The keys of the mailboxes to read. Empty: all of them, because paths and parents may change. */
    public static Optional<Set<MailboxKey>> of(List<Observation> observations) {
        Set<MailboxKey> needed = new HashSet<>();
        for (Observation observation : observations) {
            switch (observation) {
                case MailboxObserved observed -> {
                    return Optional.empty();
                }
                case MailboxVanished vanished -> {
                    return Optional.empty();
                }
                case MailboxReset reset -> needed.add(reset.mailbox());
                case EmailObserved observed -> add(needed, observed.ref(), observed.mailboxes());
                case EmailStateObserved observed -> add(needed, observed.ref(), observed.mailboxes());
                case UidsVanished vanished -> needed.add(vanished.mailbox());
                case MessageNotRead message -> needed.add(message.mailbox());
                case EmailsDestroyed destroyed -> {}
                case JmapIdsReassigned reassigned -> {}
                case ScopeSynced synced -> {}
                case PassFinished finished -> {}
                case AccountStateObserved observed -> {}
            }
        }
        return Optional.of(needed);
    }

    private static void add(Set<MailboxKey> needed, EmailRef ref, Set<MailboxKey> mailboxes) {
        needed.addAll(mailboxes);
        switch (ref) {
            case ImapMessage message -> needed.add(message.mailbox());
            case JmapEmail email -> {}
        }
    }
}
