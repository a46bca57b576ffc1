package org.postbus.writer.decide;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.postbus.change.ChangeEvent.AccountDeleted;
import org.postbus.change.ChangeEvent.AccountStateChanged;
import org.postbus.change.ChangeEvent.AccountSynced;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.ChangeEvent.MailboxCreated;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.change.ChangeEvent.MailboxReset;
import org.postbus.change.ChangeEvent.MailboxUpdated;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.change.ChangeEvent.MutationDiscarded;
import org.postbus.change.ChangeEvent.MutationFailed;
import org.postbus.change.ChangeEvent.MutationRejected;
import org.postbus.change.ChangeEvent.SubmissionCanceled;
import org.postbus.change.ChangeEvent.SubmissionFailed;
import org.postbus.change.ChangeEvent.SubmissionInDoubt;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.change.ChangeEvent.SubmissionRejected;
import org.postbus.change.ChangeEvent.SubmissionSent;
import org.postbus.change.Changed;
import org.postbus.model.MutationId;

/**
 * A mutation of an email that is being sent to the server or has been applied there.
 *
 * @param destroys whether it destroys the email; the patch is then empty
 * @param patch {@code {"keywords": {"$seen": true, "$flagged": null}, "mailboxIds": {…}}}
 */
public record OpenMutation(MutationId mutationId, UUID emailId, boolean destroys, JsonNode patch) {

    /** Whether a change of its email can be its effect: all requested values hold afterwards, and at least one did not hold before. */
    public boolean isFulfilledBy(Change change) {
        return switch (change) {
            case EmailDestroyed destroyed -> destroys;
            case EmailUpdated updated -> !destroys && isFulfilledBy(updated);
            case EmailCreated created -> false;
            case MailboxCreated created -> false;
            case MailboxUpdated updated -> false;
            case MailboxDestroyed destroyed -> false;
            case MailboxReset reset -> false;
            case AccountSynced synced -> false;
            case AccountStateChanged changed -> false;
            case AccountDeleted deleted -> false;
            case MutationConfirmed confirmed -> false;
            case MutationRejected rejected -> false;
            case MutationFailed failed -> false;
            case MutationDiscarded discarded -> false;
            case SubmissionQueued queued -> false;
            case SubmissionSent sent -> false;
            case SubmissionRejected rejected -> false;
            case SubmissionFailed failed -> false;
            case SubmissionInDoubt inDoubt -> false;
            case SubmissionCanceled canceled -> false;
        };
    }

    private boolean isFulfilledBy(EmailUpdated updated) {
        Property keywords =
                property("keywords", updated.keywords(), updated.email().keywords());
        Property mailboxes =
                property("mailboxIds", updated.mailboxIds(), updated.email().mailboxIds());
        return keywords.holds() && mailboxes.holds() && (keywords.isNew() || mailboxes.isNew());
    }

    /** Whether the requested values of a property hold after the change, and whether one of them did not hold before. */
    private record Property(boolean holds, boolean isNew) {}

    private <K> Property property(String name, Optional<Changed<Map<K, Boolean>>> changed, Map<K, Boolean> now) {
        Set<String> after = keys(now);
        Set<String> before = changed.map(values -> keys(values.oldValue())).orElse(after);
        boolean holds = true;
        boolean isNew = false;
        for (var requested : patch.path(name).properties()) {
            boolean present = requested.getValue().asBoolean(false);
            holds &= after.contains(requested.getKey()) == present;
            isNew |= before.contains(requested.getKey()) != present;
        }
        return new Property(holds, isNew);
    }

    private static Set<String> keys(Map<?, Boolean> map) {
        return map.keySet().stream().map(Object::toString).collect(Collectors.toSet());
    }
}
