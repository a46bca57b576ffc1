package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;
import org.postbus.mail.imap.session.ImapSession;

/**
 * LIST with STATUS, in the richest form that the server accepts: servers refuse clauses that they offer (RFC 5258, RFC
 * 5819, RFC 6154). Without LIST-STATUS, one STATUS for each mailbox.
 */
final class MailboxLists {
    /** What an account may have. Each is kept for as long as the account is watched, and takes a row in the database. */
    static final int MAILBOXES_MAX = 10_000;

    private static final List<String> STATUS_ITEMS = List.of("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN");

    private final ImapWire wire;
    private final ImapSession session;

    MailboxLists(ImapWire wire) {
        this.wire = wire;
        this.session = wire.session();
    }

    /** All mailboxes, each name once, with the STATUS of those that are wanted. */
    Uni<List<ListedMailbox>> list(Predicate<MailboxName> wanted) {
        return Uni.createFrom().deferred(() -> listWith(listAttempts()).chain(listed -> withStatus(listed, wanted)));
    }

    /**
     * Adds the STATUS of wanted mailboxes that have none yet. Where the server refuses it, the mailbox stays without.
     */
    Uni<List<ListedMailbox>> withStatus(List<ListedMailbox> mailboxes, Predicate<MailboxName> wanted) {
        return Multi.createFrom()
                .iterable(mailboxes)
                .onItem()
                .transformToUniAndConcatenate(one ->
                        one.selectable() && one.status().isEmpty() && wanted.test(one.name())
                                ? status(one.name())
                                        .map(Optional::of)
                                        .onFailure(Refusals::isRejected)
                                        .recoverWithItem(Optional.empty())
                                        .map(status -> new ListedMailbox(
                                                one.name(),
                                                one.delimiter(),
                                                one.attributes(),
                                                one.role(),
                                                one.selectable(),
                                                one.subscribed(),
                                                status))
                                : Uni.createFrom().item(one))
                .collect()
                .asList();
    }

    /** From the richest LIST to the plain one: servers refuse clauses that they offer. */
    private Deque<ImapCommand.ListAll> listAttempts() {
        Capabilities offered = session.server().capabilities();
        Set<ImapCommand.ListAll> attempts = new LinkedHashSet<>();
        if (offered.hasOrRev2("LIST-EXTENDED")) {
            boolean specialUse = offered.hasOrRev2("SPECIAL-USE");
            if (offered.hasOrRev2("LIST-STATUS")) {
                attempts.add(new ImapCommand.ListAll(true, specialUse, statusItems()));
                attempts.add(new ImapCommand.ListAll(true, specialUse, STATUS_ITEMS));
            }
            attempts.add(new ImapCommand.ListAll(true, specialUse, List.of()));
            attempts.add(new ImapCommand.ListAll(true, false, List.of()));
        }
        attempts.add(new ImapCommand.ListAll(false, false, List.of()));
        return new ArrayDeque<>(attempts);
    }

    private List<String> statusItems() {
        List<String> items = new ArrayList<>(STATUS_ITEMS);
        if (session.server().condstoreEnabled()) {
            items.add("HIGHESTMODSEQ");
        }
        if (session.server().capabilities().has("OBJECTID") && !isCyrus()) {
            items.add("MAILBOXID");
        }
        return List.copyOf(items);
    }

    /**
     * Cyrus 3.6.1 answers STATUS with a MAILBOXID of uninitialised memory, line ends included. Its SELECT sends the
     * right one, but mailboxes are identified from STATUS.
     */
    private boolean isCyrus() {
        return session.server().id().getOrDefault("name", "").startsWith("Cyrus");
    }

    private Uni<List<ListedMailbox>> listWith(Deque<ImapCommand.ListAll> attempts) {
        ImapCommand.ListAll attempt = attempts.removeFirst();
        Uni<List<ListedMailbox>> listed =
                wire.run(attempt).map(ImapAnswer::mailboxes).invoke(MailboxLists::checkNumber);
        if (attempts.isEmpty()) {
            return listed.chain(this::withSubscribed);
        }
        return listed.onFailure(Refusals::isRejected).recoverWithUni(() -> listWith(attempts));
    }

    private static void checkNumber(List<ListedMailbox> mailboxes) {
        if (mailboxes.size() > MAILBOXES_MAX) {
            throw new ServerException(new ServerFailure.LimitExceeded("the server exceeded a limit: " + mailboxes.size()
                    + " mailboxes; an account may have " + MAILBOXES_MAX));
        }
    }

    private Uni<List<ListedMailbox>> withSubscribed(List<ListedMailbox> mailboxes) {
        return wire.run(new ImapCommand.ListSubscribed())
                .map(ImapAnswer::subscribed)
                .onFailure(Refusals::isRejected)
                .recoverWithItem(Set.of())
                .map(subscribed -> mailboxes.stream()
                        .map(one -> new ListedMailbox(
                                one.name(),
                                one.delimiter(),
                                one.attributes(),
                                one.role(),
                                one.selectable(),
                                one.subscribed() || subscribed.contains(one.name()),
                                one.status()))
                        .toList());
    }

    /** STATUS of one mailbox; not of the one that is selected (RFC 9051 section 6.3.11). */
    Uni<MailboxStatus> status(MailboxName name) {
        return Uni.createFrom().deferred(() -> {
            List<String> items = statusItems();
            Uni<MailboxStatus> reported = statusOf(name, items);
            return items.equals(STATUS_ITEMS)
                    ? reported
                    : reported.onFailure(Refusals::isBad).recoverWithUni(() -> statusOf(name, STATUS_ITEMS));
        });
    }

    private Uni<MailboxStatus> statusOf(MailboxName name, List<String> items) {
        return wire.run(new ImapCommand.Status(name, items))
                .map(answer -> answer.status(name)
                        .orElseThrow(() -> new ServerException(
                                new ServerFailure.Rejected("NO", "the server answered STATUS without a status"))));
    }
}
