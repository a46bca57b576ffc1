package org.postbus.compare;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Changed;
import org.postbus.model.Email;
import org.postbus.model.EmailId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;

/**
 * The state of one account for a subscriber that has read all of its changes: each change is applied to the result of those before it. A
 * change that does not fit is a problem, since a change before it was lost or is wrong.
 */
public final class ChangeFold {
    private final Map<MailboxId, Mailbox> mailboxes = new HashMap<>();
    private final Map<EmailId, Email> emails = new HashMap<>();
    private final List<String> problems = new ArrayList<>();
    private long seq;
    private boolean synced;

    /** Repeated deliveries must not be applied; subscribers recognize them by their seq. */
    public void apply(ChangeEvent event) {
        // Changes that were not published when the account was deleted are never published.
        boolean afterGap = event.change() instanceof ChangeEvent.AccountDeleted && event.seq() > seq;
        if (event.seq() != seq + 1 && !afterGap) {
            problem(event, "expected seq " + (seq + 1));
        }
        seq = event.seq();
        switch (event.change()) {
            case ChangeEvent.MailboxCreated(Mailbox mailbox) -> {
                if (mailboxes.put(mailbox.id(), mailbox) != null) {
                    problem(event, "the mailbox was there already");
                }
            }
            case ChangeEvent.MailboxUpdated(Mailbox mailbox, Mailbox previous) -> {
                if (!previous.equals(mailboxes.put(mailbox.id(), mailbox))) {
                    problem(event, "the mailbox was not what the change says it was");
                }
            }
            case ChangeEvent.MailboxDestroyed(MailboxId mailboxId) -> {
                if (mailboxes.remove(mailboxId) == null) {
                    problem(event, "there was no such mailbox");
                }
            }
            case ChangeEvent.MailboxReset(MailboxId mailboxId) -> {
                if (!mailboxes.containsKey(mailboxId)) {
                    problem(event, "there is no such mailbox");
                }
            }
            case ChangeEvent.EmailCreated(Email email) -> {
                if (emails.put(email.id(), email) != null) {
                    problem(event, "the email was there already");
                }
            }
            case ChangeEvent.EmailUpdated update -> update(event, update);
            case ChangeEvent.EmailDestroyed(EmailId emailId) -> {
                if (emails.remove(emailId) == null) {
                    problem(event, "there was no such email");
                }
            }
            case ChangeEvent.AccountSynced() -> {
                if (synced) {
                    problem(event, "the account was synced already");
                }
                synced = true;
            }
            case ChangeEvent.AccountStateChanged ignored -> {
                // It does not change mail.
            }
            case ChangeEvent.AccountDeleted() -> {
                mailboxes.clear();
                emails.clear();
            }
            case ChangeEvent.MutationConfirmed ignored -> {}
            case ChangeEvent.MutationRejected ignored -> {}
            case ChangeEvent.MutationFailed ignored -> {}
            case ChangeEvent.MutationDiscarded ignored -> {}
            case ChangeEvent.SubmissionQueued ignored -> {}
            case ChangeEvent.SubmissionSent ignored -> {}
            case ChangeEvent.SubmissionRejected ignored -> {}
            case ChangeEvent.SubmissionFailed ignored -> {}
            case ChangeEvent.SubmissionInDoubt ignored -> {}
            case ChangeEvent.SubmissionCanceled ignored -> {}
        }
    }

    public Map<MailboxId, Mailbox> mailboxes() {
        return Map.copyOf(mailboxes);
    }

    public Map<EmailId, Email> emails() {
        return Map.copyOf(emails);
    }

    /** The seq of the last applied change; 0 before the first. */
    public long seq() {
        return seq;
    }

    /** Whether {@code account.synced} was applied. */
    public boolean synced() {
        return synced;
    }

    public List<String> problems() {
        return MailState.shortened(problems);
    }

    private void update(ChangeEvent event, ChangeEvent.EmailUpdated update) {
        Email before = emails.put(update.email().id(), update.email());
        if (before == null) {
            problem(event, "there was no such email");
            return;
        }
        if (update.keywords().isEmpty()
                && update.mailboxIds().isEmpty()
                && update.threadId().isEmpty()) {
            problem(event, "nothing changed");
        }
        update.keywords()
                .ifPresent(changed -> check(
                        event,
                        "keywords",
                        changed,
                        before.keywords(),
                        update.email().keywords()));
        update.mailboxIds()
                .ifPresent(changed -> check(
                        event,
                        "mailboxIds",
                        changed,
                        before.mailboxIds(),
                        update.email().mailboxIds()));
        update.threadId()
                .ifPresent(changed -> check(
                        event,
                        "threadId",
                        changed,
                        before.threadId(),
                        update.email().threadId()));
    }

    private <T> void check(ChangeEvent event, String property, Changed<T> changed, T before, T after) {
        if (!changed.oldValue().equals(before)
                || !changed.newValue().equals(after)
                || changed.oldValue().equals(changed.newValue())) {
            problem(event, property + " were " + before + " and are " + after + ", the change says " + changed);
        }
    }

    private void problem(ChangeEvent event, String text) {
        problems.add("change " + event.seq() + " " + event.change().getClass().getSimpleName() + ": " + text);
    }
}
