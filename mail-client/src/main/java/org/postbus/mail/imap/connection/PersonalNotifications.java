package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Uni;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ServerProfile;

/** NOTIFY for all personal mailboxes (RFC 5465), with fewer events where the server refuses some or reports them wrongly. */
final class PersonalNotifications {
    private static final List<String> WITH_MAILBOXES =
            List.of("MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange");
    /** Down to those that RFC 5465 section 3 requires of every server. FlagChange requires the two events before it. */
    private static final List<List<String>> OF_MESSAGES =
            List.of(List.of("MessageNew", "MessageExpunge", "FlagChange"), List.of("MessageNew", "MessageExpunge"));

    private final ImapWire wire;

    PersonalNotifications(ImapWire wire) {
        this.wire = wire;
    }

    /** @return false where the server has no NOTIFY or refuses every form of it */
    Uni<Boolean> start() {
        return Uni.createFrom().deferred(() -> {
            ServerProfile server = wire.session().server();
            if (!server.capabilities().has("NOTIFY")) {
                return Uni.createFrom().item(false);
            }
            Deque<List<String>> attempts = new ArrayDeque<>(OF_MESSAGES);
            if (reportsMailboxes(server)) {
                attempts.addFirst(WITH_MAILBOXES);
            }
            return notifyWith(attempts);
        });
    }

    /**
     * Not Dovecot (2.3.19): a session that asks for MailboxName spoils the list index of the user, and then LIST is wrong
     * in all sessions that are open, for as long as they are. Operators hide Dovecot's name, so only a server that
     * names itself and lacks a capability that Dovecot alone has is asked.
     */
    private static boolean reportsMailboxes(ServerProfile server) {
        String name = server.id().getOrDefault("name", "").toLowerCase(Locale.ROOT);
        return !name.isEmpty()
                && !name.contains("dovecot")
                && !server.capabilities().has("URL-PARTIAL");
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
