package org.postbus.outbound.imap.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * The command that a mailbox mutation needs, given the server's current LIST response. Pure.
 *
 * @param prefix of the user's personal namespace (RFC 2342), raw; may be empty
 * @param encode encodes other level of a mailbox name as this server writes it
 */
public record ImapMailboxPlan(List<ListedMailbox> listed, String prefix, Function<String, MailboxName> encode) {

    /** The next step. */
    public sealed interface Step {
        /** No command: the mailbox is already as requested, or the mutation is impossible. */
        record Settled(Answer answer) implements Step {}

        record Create(MailboxName name) implements Step {}

        record Rename(MailboxName from, MailboxName to) implements Step {}

        /** @param onlyIfEmpty to be checked by STATUS first, because DELETE also deletes the messages */
        record Delete(MailboxName name, boolean onlyIfEmpty) implements Step {}
    }

    public Step step(MailboxMutation mutation, ServerSnapshot snapshot) {
        return switch (mutation.change()) {
            case MailboxMutation.Change.Create(var name, var parent) ->
                create(mutation, snapshot, name, parent.map(snapshot::mailbox));
            case MailboxMutation.Change.Update update -> update(mutation, snapshot, update);
            case MailboxMutation.Change.Destroy(var removeEmails) -> destroy(mutation, snapshot, removeEmails);
        };
    }

    /** @param parent holds an empty Optional if the parent is gone */
    private Step create(
            MailboxMutation mutation,
            ServerSnapshot snapshot,
            String name,
            Optional<Optional<ServerSnapshot.MailboxSnapshot>> parent) {
        if (parent.isPresent() && parent.get().isEmpty()) {
            return refused("invalidProperties", "the parent mailbox no longer exists");
        }
        if (containsDelimiter(name)) {
            return refused("invalidProperties", "on this server a name cannot contain " + delimiter());
        }
        MailboxName target = childName(parent.flatMap(found -> found), name);
        if (has(target)) {
            return mutation.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : refused("alreadyExists", "a mailbox of this name exists");
        }
        return new Step.Create(target);
    }

    private Step update(MailboxMutation mutation, ServerSnapshot snapshot, MailboxMutation.Change.Update update) {
        Optional<MailboxName> source = rawName(snapshot.mailbox(mutation.mailboxId()));
        if (source.isEmpty()) {
            return refused("notFound", "the mailbox is no longer on the server");
        }
        if (update.name().filter(this::containsDelimiter).isPresent()) {
            return refused("invalidProperties", "on this server a name cannot contain " + delimiter());
        }
        Optional<ServerSnapshot.MailboxSnapshot> parent =
                update.parent().flatMap(id -> id).flatMap(snapshot::mailbox);
        if (update.parent().flatMap(id -> id).isPresent() && parent.isEmpty()) {
            return refused("invalidProperties", "the parent mailbox no longer exists");
        }
        String raw = source.get().raw();
        int end = delimiter().isEmpty() ? -1 : raw.lastIndexOf(delimiter());
        String prefixOfParent = update.parent().isPresent() ? parentPrefix(parent) : raw.substring(0, end + 1);
        String name = update.name().map(text -> encode.apply(text).raw()).orElse(raw.substring(end + 1));
        MailboxName target = new MailboxName(prefixOfParent + name);
        if (target.equals(source.get())) {
            return new Step.Settled(Answer.DONE);
        }
        if (!has(source.get())) {
            return has(target) && mutation.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : new Step.Settled(new Answer.Failed(
                            new ServerFailure.Conflict("another client renamed or moved the mailbox")));
        }
        return has(target)
                ? refused("alreadyExists", "a mailbox of this name exists")
                : new Step.Rename(source.get(), target);
    }

    private Step destroy(MailboxMutation mutation, ServerSnapshot snapshot, boolean removeEmails) {
        Optional<MailboxName> source =
                rawName(snapshot.mailbox(mutation.mailboxId())).filter(this::has);
        if (source.isEmpty()) {
            return new Step.Settled(Answer.DONE);
        }
        boolean hasChild = !delimiter().isEmpty()
                && listed.stream()
                        .anyMatch(other ->
                                other.name().raw().startsWith(source.get().raw() + delimiter()));
        return hasChild
                ? refused("mailboxHasChild", "the mailbox has children")
                : new Step.Delete(source.get(), !removeEmails);
    }

    private MailboxName childName(Optional<ServerSnapshot.MailboxSnapshot> parent, String name) {
        return new MailboxName(parentPrefix(parent) + encode.apply(name).raw());
    }

    private String parentPrefix(Optional<ServerSnapshot.MailboxSnapshot> parent) {
        return rawName(parent).map(name -> name.raw() + delimiter()).orElse(prefix);
    }

    private static Optional<MailboxName> rawName(Optional<ServerSnapshot.MailboxSnapshot> mailbox) {
        return mailbox.flatMap(ServerSnapshot.MailboxSnapshot::rawName).map(MailboxName::new);
    }

    private boolean has(MailboxName name) {
        return listed.stream()
                .anyMatch(other ->
                        other.name().equals(name) && !other.attributes().contains("\\nonexistent"));
    }

    private boolean containsDelimiter(String name) {
        return !delimiter().isEmpty() && name.contains(delimiter());
    }

    /** Empty if the server has no hierarchy. */
    private String delimiter() {
        return listed.stream()
                .flatMap(other -> other.delimiter().stream())
                .findFirst()
                .map(String::valueOf)
                .orElse("");
    }

    private static Step refused(String code, String text) {
        return new Step.Settled(new Answer.Failed(new ServerFailure.Rejected(code, text)));
    }
}
