package org.postbus.outbound.jmap.plan;

import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChange;
import org.postbus.model.MailboxId;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * The {@code Mailbox/set} change that a mailbox mutation needs. Pure.
 *
 * @param mailboxes all of the account's mailboxes, as {@code Mailbox/get} has just returned them
 */
public record JmapMailboxPlan(List<JmapMailbox> mailboxes) {

    /** The next step. */
    public sealed interface Step {
        /** No call: the mailbox is already as requested, or the mutation is impossible. */
        record Settled(Answer answer) implements Step {}

        record Set(MailboxChange change) implements Step {}
    }

    public Step step(MailboxMutation mutation, ServerSnapshot snapshot) {
        Optional<String> id = serverId(snapshot, mutation.mailboxId());
        boolean exists = id.isPresent()
                && mailboxes.stream().anyMatch(mailbox -> mailbox.id().equals(id.get()));
        return switch (mutation.change()) {
            case MailboxMutation.Change.Create(var name, var parent) -> create(mutation, snapshot, name, parent);
            case MailboxMutation.Change.Update(var name, var parent) -> {
                Optional<Optional<String>> parentId =
                        parent.map(one -> one.flatMap(mailbox -> serverId(snapshot, mailbox)));
                if (!exists) {
                    yield rejected("notFound", "the mailbox is no longer on the server");
                }
                if (parent.flatMap(one -> one).isPresent()
                        && parentId.flatMap(one -> one).isEmpty()) {
                    yield rejected("invalidProperties", "the parent mailbox no longer exists");
                }
                yield new Step.Set(new MailboxChange.Update(id.get(), name, parentId));
            }
            case MailboxMutation.Change.Destroy(var removeEmails) ->
                exists
                        ? new Step.Set(new MailboxChange.Destroy(id.get(), removeEmails))
                        : new Step.Settled(Answer.DONE);
        };
    }

    private Step create(MailboxMutation mutation, ServerSnapshot snapshot, String name, Optional<MailboxId> parent) {
        Optional<String> parentId = parent.flatMap(one -> serverId(snapshot, one));
        if (parent.isPresent() && parentId.isEmpty()) {
            return rejected("invalidProperties", "the parent mailbox no longer exists");
        }
        boolean exists = mailboxes.stream()
                .anyMatch(mailbox ->
                        mailbox.name().equals(name) && mailbox.parentId().equals(parentId));
        if (exists) {
            return mutation.triedBefore()
                    ? new Step.Settled(Answer.DONE)
                    : rejected("alreadyExists", "a mailbox of this name exists");
        }
        return new Step.Set(new MailboxChange.Create(name, parentId));
    }

    private static Optional<String> serverId(ServerSnapshot snapshot, MailboxId mailbox) {
        return snapshot.mailbox(mailbox).map(found -> found.key().serverId());
    }

    private static Step rejected(String code, String text) {
        return new Step.Settled(new Answer.Failed(new ServerFailure.Rejected(code, text)));
    }
}
