package org.postbus.outbound.imap.plan;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.ListedMailbox;
import org.postbus.mail.imap.MailboxName;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * Which command carries a mutation for a mailbox out, by what LIST has just told. Pure.
 *
 * @param prefix of the user's own mailboxes (RFC 2342), raw; empty for the root
 * @param encode a part of a name as this server writes it
 */
public record ImapMailboxPlan(List<ListedMailbox> listed, String prefix, Function<String, MailboxName> encode) {

    /** What is to be done next. */
    public sealed interface Step {
        /** Nothing: it is as requested, or can not be. */
        record Settled(Answer answer) implements Step {}

        record Create(MailboxName name) implements Step {}

        record Rename(MailboxName from, MailboxName to) implements Step {}

        /** @param onlyIfEmpty by STATUS, for DELETE takes the messages with it */
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

    /** @param parent empty within if it is gone */
    private Step create(MailboxMutation mutation, ServerSnapshot snapshot, String name, Optional<Optional<ServerSnapshot.MailboxSnapshot>> parent) {
        if (parent.isPresent() && parent.get().isEmpty()) {
            return refused("invalidProperties", "the mailbox above is no longer there");
        }
        if (isDivided(name)) {
            return refused("invalidProperties", "on this server a name can not contain " + delimiter());
        }
        MailboxName target = below(parent.flatMap(found -> found), name);
        if (has(target)) {
            return mutation.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : refused("alreadyExists", "there is a mailbox of this name");
        }
        return new Step.Create(target);
    }

    private Step update(MailboxMutation mutation, ServerSnapshot snapshot, MailboxMutation.Change.Update update) {
        Optional<MailboxName> source = rawName(snapshot.mailbox(mutation.mailboxId()));
        if (source.isEmpty()) {
            return refused("notFound", "the mailbox is no longer on the server");
        }
        if (update.name().filter(this::isDivided).isPresent()) {
            return refused("invalidProperties", "on this server a name can not contain " + delimiter());
        }
        Optional<ServerSnapshot.MailboxSnapshot> parent = update.parent().flatMap(id -> id).flatMap(snapshot::mailbox);
        if (update.parent().flatMap(id -> id).isPresent() && parent.isEmpty()) {
            return refused("invalidProperties", "the mailbox above is no longer there");
        }
        String raw = source.get().raw();
        int end = delimiter().isEmpty() ? -1 : raw.lastIndexOf(delimiter());
        String above = update.parent().isPresent() ? above(parent) : raw.substring(0, end + 1);
        String name = update.name().map(text -> encode.apply(text).raw()).orElse(raw.substring(end + 1));
        MailboxName target = new MailboxName(above + name);
        if (target.equals(source.get())) {
            return new Step.Settled(Answer.DONE);
        }
        if (!has(source.get())) {
            return has(target) && mutation.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : new Step.Settled(new Answer.Failed(
                            new ServerFailure.Conflict("the mailbox is no longer where it was: somebody moved it")));
        }
        return has(target)
                ? refused("alreadyExists", "there is a mailbox of this name")
                : new Step.Rename(source.get(), target);
    }

    private Step destroy(MailboxMutation mutation, ServerSnapshot snapshot, boolean removeEmails) {
        Optional<MailboxName> source = rawName(snapshot.mailbox(mutation.mailboxId())).filter(this::has);
        if (source.isEmpty()) {
            return new Step.Settled(Answer.DONE);
        }
        boolean hasChild = !delimiter().isEmpty()
                && listed.stream()
                        .anyMatch(
                                one -> one.name().raw().startsWith(source.get().raw() + delimiter()));
        return hasChild
                ? refused("mailboxHasChild", "there are mailboxes below it")
                : new Step.Delete(source.get(), !removeEmails);
    }

    private MailboxName below(Optional<ServerSnapshot.MailboxSnapshot> parent, String name) {
        return new MailboxName(above(parent) + encode.apply(name).raw());
    }

    private String above(Optional<ServerSnapshot.MailboxSnapshot> parent) {
        return rawName(parent).map(name -> name.raw() + delimiter()).orElse(prefix);
    }

    private static Optional<MailboxName> rawName(Optional<ServerSnapshot.MailboxSnapshot> mailbox) {
        return mailbox.flatMap(ServerSnapshot.MailboxSnapshot::rawName).map(MailboxName::new);
    }

    private boolean has(MailboxName name) {
        return listed.stream()
                .anyMatch(one -> one.name().equals(name) && !one.attributes().contains("\\nonexistent"));
    }

    private boolean isDivided(String name) {
        return !delimiter().isEmpty() && name.contains(delimiter());
    }

    /** Empty where names are flat. */
    private String delimiter() {
        return listed.stream()
                .flatMap(one -> one.delimiter().stream())
                .findFirst()
                .map(String::valueOf)
                .orElse("");
    }

    private static Step refused(String code, String text) {
        return new Step.Settled(new Answer.Failed(new ServerFailure.Rejected(code, text)));
    }
}
