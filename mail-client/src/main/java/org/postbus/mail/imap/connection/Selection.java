package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapSession;

/**
 * SELECT, EXAMINE and UNSELECT, with CONDSTORE and QRESYNC (RFC 7162) where the server has them and without where it refuses
 * them.
 */
final class Selection {
    private final ImapWire wire;
    private final ImapSession session;

    Selection(ImapWire wire) {
        this.wire = wire;
        this.session = wire.session();
    }

    Uni<SelectedMailbox> select(MailboxName name, boolean readOnly) {
        return Uni.createFrom().deferred(() -> {
            boolean condstore = session.server().condstoreEnabled();
            Uni<SelectedMailbox> selected = selectWith(new ImapCommand.Select(name, readOnly, condstore));
            return condstore
                    ? selected.onFailure(Refusals::isBad)
                            .recoverWithUni(() -> selectWith(new ImapCommand.Select(name, readOnly, false)))
                    : selected;
        });
    }

    Multi<Resynced> resync(MailboxName name, boolean readOnly, Resync since) {
        return Multi.createFrom().deferred(() -> {
            if (!session.server().qresyncEnabled()) {
                return Multi.createFrom().failure(new IllegalStateException("QRESYNC is not enabled"));
            }
            return wire.stream(new ImapCommand.Resync(name, readOnly, since))
                    .onFailure(Refusals::isBad)
                    .recoverWithMulti(() -> select(name, readOnly)
                            .onItem()
                            .transformToMulti(
                                    selected -> Multi.createFrom().item(new Resynced.Selected(selected, false))));
        });
    }

    private Uni<SelectedMailbox> selectWith(ImapCommand.Select command) {
        return wire.run(command).map(answer -> answer.selected(command));
    }

    Uni<Void> unselect() {
        return Uni.createFrom().deferred(() -> {
            if (session.server().capabilities().hasOrRev2("UNSELECT")) {
                return wire.run(new ImapCommand.Unselect()).replaceWithVoid();
            }
            MailboxName nowhere = new MailboxName("postbus-no-such-mailbox-" + Long.toHexString(System.nanoTime()));
            return wire.run(new ImapCommand.Select(nowhere, true, false))
                    .replaceWithVoid()
                    .onFailure(Refusals::isRejected)
                    .recoverWithUni(Uni.createFrom().voidItem());
        });
    }
}
