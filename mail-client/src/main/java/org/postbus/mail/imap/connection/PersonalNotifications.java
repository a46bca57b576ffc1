package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Uni;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.postbus.mail.imap.grammar.command.ImapCommand;

/** NOTIFY for all personal mailboxes (RFC 5465), with fewer events where the server refuses some. */
final class PersonalNotifications {
    /**
     * From all events to those that RFC 5465 section 3 requires of every server. FlagChange requires the two events
     * before it.
     */
    private static final List<List<String>> NOTIFY_EVENTS = List.of(
            List.of("MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"),
            List.of("MessageNew", "MessageExpunge", "FlagChange"),
            List.of("MessageNew", "MessageExpunge"));

    private final ImapWire wire;

    PersonalNotifications(ImapWire wire) {
        this.wire = wire;
    }

    /** @return false where the server has no NOTIFY or refuses every form of it */
    Uni<Boolean> start() {
        return Uni.createFrom()
                .deferred(() -> wire.session().server().capabilities().has("NOTIFY")
                        ? notifyWith(new ArrayDeque<>(NOTIFY_EVENTS))
                        : Uni.createFrom().item(false));
    }

    private Uni<Boolean> notifyWith(Deque<List<String>> attempts) {
        if (attempts.isEmpty()) {
            return Uni.createFrom().item(false);
        }
        return wire.run(new ImapCommand.NotifySet(attempts.removeFirst()))
                .replaceWith(true)
                .onFailure(Refusals::isRejected)
                .recoverWithUni(() -> notifyWith(attempts));
    }
}
