package org.postbus.outbound.jmap.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.observation.EmailIdentity;
import org.postbus.outbound.mutation.EmailMutation.Change;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * The {@code Email/set} calls that apply folded mutations (RFC 8621 section 4.6): patches of single keywords and mailboxes, without {@code
 * ifInState}. They undo no concurrent change of another client, and a repetition has no further effect. Pure.
 *
 * @param calls none has more objects than {@code maxObjectsInSet}
 * @param emails the emails by the server's id
 * @param settled answers for emails that need no call, or whose mutation is impossible
 */
public record EmailSetPlan(List<EmailSet> calls, Map<String, EmailId> emails, Map<EmailId, Answer> settled) {
    public EmailSetPlan {
        calls = List.copyOf(calls);
        emails = Map.copyOf(emails);
        settled = Map.copyOf(settled);
    }

    /** @param objectsMax see {@link JmapSession.Limits#maxObjectsInSet()} */
    public static EmailSetPlan of(List<FoldedMutation> mutations, ServerSnapshot snapshot, int objectsMax) {
        List<EmailSet> calls = new ArrayList<>();
        Map<String, EmailId> emails = new HashMap<>();
        Map<EmailId, Answer> settled = new HashMap<>();
        Map<String, EmailPatch> update = new LinkedHashMap<>();
        List<String> destroy = new ArrayList<>();
        for (FoldedMutation mutation : mutations) {
            Optional<String> id = snapshot.email(mutation.emailId())
                    .flatMap(ServerSnapshot.EmailSnapshot::identity)
                    .filter(EmailIdentity.Jmap.class::isInstance)
                    .map(EmailIdentity::id);
            switch (mutation.change()) {
                // A missing row does not show that the email is gone; an earlier attempt may have destroyed it.
                case Change.Destroy ignored
                when id.isEmpty() ->
                    settled.put(
                            mutation.emailId(),
                            mutation.interruptedBefore()
                                    ? Answer.DONE
                                    : rejected("notFound", "the email is no longer on the server"));
                case Change.Destroy ignored -> destroy.add(id.get());
                case Change.Update ignored
                when id.isEmpty() ->
                    settled.put(mutation.emailId(), rejected("notFound", "the email is no longer on the server"));
                case Change.Update(var keywords, var mailboxIds) -> {
                    Map<String, Boolean> serverIds = new HashMap<>();
                    Optional<Answer> unknown = Optional.empty();
                    for (Map.Entry<MailboxId, Boolean> mailbox : mailboxIds.entrySet()) {
                        Optional<ServerSnapshot.MailboxSnapshot> there = snapshot.mailbox(mailbox.getKey());
                        there.ifPresent(found -> serverIds.put(found.key().serverId(), mailbox.getValue()));
                        if (there.isEmpty() && mailbox.getValue()) {
                            unknown = Optional.of(rejected(
                                    "invalidProperties",
                                    "there is no mailbox " + mailbox.getKey().value()));
                        }
                    }
                    if (unknown.isPresent()) {
                        settled.put(mutation.emailId(), unknown.get());
                        continue;
                    }
                    if (keywords.isEmpty() && serverIds.isEmpty()) {
                        settled.put(mutation.emailId(), Answer.DONE);
                        continue;
                    }
                    update.put(id.get(), new EmailPatch(keywords, serverIds));
                }
            }
            id.ifPresent(serverId -> emails.put(serverId, mutation.emailId()));
            if (update.size() + destroy.size() == objectsMax) {
                calls.add(new EmailSet(update, destroy, Optional.empty()));
                update.clear();
                destroy.clear();
            }
        }
        if (!update.isEmpty() || !destroy.isEmpty()) {
            calls.add(new EmailSet(update, destroy, Optional.empty()));
        }
        return new EmailSetPlan(calls, emails, settled);
    }

    /** Two calls in place of one that the server finds too large. */
    public static List<EmailSet> halves(EmailSet call) {
        List<String> updated = call.update().keySet().stream().sorted().toList();
        int objects = updated.size() + call.destroy().size();
        if (objects < 2) {
            throw new IllegalArgumentException("a call with one object cannot be halved");
        }
        int firstUpdates = Math.min(updated.size(), objects / 2);
        int firstDestroys = objects / 2 - firstUpdates;
        return List.of(
                new EmailSet(
                        picked(call.update(), updated.subList(0, firstUpdates)),
                        call.destroy().subList(0, firstDestroys),
                        call.ifInState()),
                new EmailSet(
                        picked(call.update(), updated.subList(firstUpdates, updated.size())),
                        call.destroy().subList(firstDestroys, call.destroy().size()),
                        call.ifInState()));
    }

    private static Map<String, EmailPatch> picked(Map<String, EmailPatch> update, List<String> ids) {
        Map<String, EmailPatch> picked = new HashMap<>();
        ids.forEach(id -> picked.put(id, update.get(id)));
        return picked;
    }

    private static Answer rejected(String code, String text) {
        return new Answer.Failed(new ServerFailure.Rejected(code, text));
    }
}
