package org.postbus.outbound.imap;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer.Answer;
import org.postbus.outbound.MailboxWish;

/**
 * Which command carries a wish for a mailbox out, by what LIST has just told. Pure.
 *
 * @param prefix of the user's own mailboxes (RFC 2342), raw; empty for the root
 * @param encode a part of a name as this server writes it
 */
record ImapMailboxes(List<ListedMailbox> listed, String prefix, Function<String, MailboxName> encode) {

    /** What is to be done next. */
    sealed interface Step {
        /** Nothing: it is as wished, or can not be. */
        record Settled(Answer answer) implements Step {}

        record Create(MailboxName name) implements Step {}

        record Rename(MailboxName from, MailboxName to) implements Step {}

        /** @param onlyIfEmpty by STATUS, for DELETE takes the messages with it */
        record Delete(MailboxName name, boolean onlyIfEmpty) implements Step {}
    }

    Step step(MailboxWish wish, Known known) {
        return switch (wish.change()) {
            case MailboxWish.Change.Create(var name, var parent) ->
                create(wish, known, name, parent.map(known::mailbox));
            case MailboxWish.Change.Update update -> update(wish, known, update);
            case MailboxWish.Change.Destroy(var removeEmails) -> destroy(wish, known, removeEmails);
        };
    }

    /** @param parent empty within if it is gone */
    private Step create(MailboxWish wish, Known known, String name, Optional<Optional<Known.KnownMailbox>> parent) {
        if (parent.isPresent() && parent.get().isEmpty()) {
            return refused("invalidProperties", "the mailbox above is no longer there");
        }
        if (isDivided(name)) {
            return refused("invalidProperties", "on this server a name can not contain " + delimiter());
        }
        MailboxName target = below(parent.flatMap(found -> found), name);
        if (has(target)) {
            return wish.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : refused("alreadyExists", "there is a mailbox of this name");
        }
        return new Step.Create(target);
    }

    private Step update(MailboxWish wish, Known known, MailboxWish.Change.Update update) {
        Optional<MailboxName> source = rawName(known.mailbox(wish.mailboxId()));
        if (source.isEmpty()) {
            return refused("notFound", "the mailbox is no longer on the server");
        }
        if (update.name().filter(this::isDivided).isPresent()) {
            return refused("invalidProperties", "on this server a name can not contain " + delimiter());
        }
        Optional<Known.KnownMailbox> parent = update.parent().flatMap(id -> id).flatMap(known::mailbox);
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
            return has(target) && wish.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : new Step.Settled(new Answer.Failed(
                            new ServerFailure.Conflict("the mailbox is no longer where it was: somebody moved it")));
        }
        return has(target)
                ? refused("alreadyExists", "there is a mailbox of this name")
                : new Step.Rename(source.get(), target);
    }

    private Step destroy(MailboxWish wish, Known known, boolean removeEmails) {
        Optional<MailboxName> source = rawName(known.mailbox(wish.mailboxId())).filter(this::has);
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

    private MailboxName below(Optional<Known.KnownMailbox> parent, String name) {
        return new MailboxName(above(parent) + encode.apply(name).raw());
    }

    private String above(Optional<Known.KnownMailbox> parent) {
        return rawName(parent).map(name -> name.raw() + delimiter()).orElse(prefix);
    }

    private static Optional<MailboxName> rawName(Optional<Known.KnownMailbox> mailbox) {
        return mailbox.flatMap(Known.KnownMailbox::rawName).map(MailboxName::new);
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
