package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/**
 * Commands that change messages: UID STORE, MOVE, COPY and EXPUNGE. A long set is sent in several commands, each within the
 * server's message limit (RFC 9738).
 */
final class MessageMutations {
    private final ImapWire wire;

    MessageMutations(ImapWire wire) {
        this.wire = wire;
    }

    Uni<StoreResult> store(UidSet uids, StoreMode mode, Set<ImapFlag> flags, OptionalLong unchangedSince) {
        Set<ImapFlag> sorted = new TreeSet<>(flags);
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidStore(set, mode, sorted, unchangedSince))
                                .map(ImapAnswer::stored))
                .map(results -> {
                    Map<Long, Long> modSeqs = new HashMap<>();
                    results.forEach(result -> modSeqs.putAll(result.modSeqs()));
                    return new StoreResult(
                            UidSet.of(results.stream()
                                            .flatMap(result -> result.modified().stream())
                                            .toList())
                                    .ranges(),
                            modSeqs);
                });
    }

    Uni<Void> storeLabels(UidSet uids, StoreMode mode, Set<GmailLabel> labels) {
        Set<GmailLabel> sorted = new TreeSet<>(labels);
        return forEachSet(uids, set -> wire.run(new ImapCommand.UidStoreLabels(set, mode, sorted)))
                .replaceWithVoid();
    }

    Uni<List<CopiedUids>> move(UidSet uids, MailboxName target) {
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidMove(set, target)).map(ImapAnswer::copied))
                .map(MessageMutations::flatten);
    }

    Uni<List<CopiedUids>> copy(UidSet uids, MailboxName target) {
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidCopy(set, target)).map(ImapAnswer::copied))
                .map(MessageMutations::flatten);
    }

    Uni<Void> expunge(UidSet uids) {
        return forEachSet(uids, set -> wire.run(new ImapCommand.UidExpunge(set)))
                .replaceWithVoid();
    }

    private <T> Uni<List<T>> forEachSet(UidSet uids, Function<UidSet, Uni<? extends T>> send) {
        return Multi.createFrom()
                .iterable(uids.split(wire.session().server().capabilities().messageLimit()))
                .onItem()
                .transformToUniAndConcatenate(send)
                .collect()
                .asList();
    }

    private static <T> List<T> flatten(List<List<T>> lists) {
        return lists.stream().flatMap(List::stream).toList();
    }
}
