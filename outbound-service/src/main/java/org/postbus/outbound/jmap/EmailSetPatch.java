package org.postbus.outbound.jmap;

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
import org.postbus.outbound.FoldedWish;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer.Answer;
import org.postbus.outbound.Wish.Change;

/**
 * The {@code Email/set} calls that carry folded wishes out (RFC 8621 section 4.6): patches of single keywords and mailboxes,
 * without {@code ifInState}. So they undo nothing of what others change meanwhile, and doing them twice is doing them once.
 * Pure.
 *
 * @param calls none has more objects than {@code maxObjectsInSet}
 * @param emails whose each server id is
 * @param settled wishes that need no call, or that can not be carried out
 */
record EmailSetPatch(List<EmailSet> calls, Map<String, EmailId> emails, Map<EmailId, Answer> settled) {
    private static final String IDENTITY = "jmap:";

    EmailSetPatch {
        calls = List.copyOf(calls);
        emails = Map.copyOf(emails);
        settled = Map.copyOf(settled);
    }

    /** @param objectsMax see {@link JmapSession.Limits#maxObjectsInSet()} */
    static EmailSetPatch of(List<FoldedWish> wishes, Known known, int objectsMax) {
        List<EmailSet> calls = new ArrayList<>();
        Map<String, EmailId> emails = new HashMap<>();
        Map<EmailId, Answer> settled = new HashMap<>();
        Map<String, EmailPatch> update = new LinkedHashMap<>();
        List<String> destroy = new ArrayList<>();
        for (FoldedWish wish : wishes) {
            Optional<String> id = known.email(wish.emailId())
                    .flatMap(Known.KnownEmail::identity)
                    .filter(identity -> identity.startsWith(IDENTITY))
                    .map(identity -> identity.substring(IDENTITY.length()));
            switch (wish.change()) {
                case Change.Destroy ignored when id.isEmpty() -> settled.put(wish.emailId(), Answer.DONE);
                case Change.Destroy ignored -> destroy.add(id.get());
                case Change.Update ignored
                when id.isEmpty() ->
                    settled.put(wish.emailId(), rejected("notFound", "the email is no longer on the server"));
                case Change.Update(var keywords, var mailboxIds) -> {
                    Map<String, Boolean> serverIds = new HashMap<>();
                    Optional<Answer> unknown = Optional.empty();
                    for (Map.Entry<MailboxId, Boolean> mailbox : mailboxIds.entrySet()) {
                        Optional<Known.KnownMailbox> there = known.mailbox(mailbox.getKey());
                        there.ifPresent(found -> serverIds.put(found.key().serverId(), mailbox.getValue()));
                        if (there.isEmpty() && mailbox.getValue()) {
                            unknown = Optional.of(rejected(
                                    "invalidProperties",
                                    "there is no mailbox " + mailbox.getKey().value()));
                        }
                    }
                    if (unknown.isPresent()) {
                        settled.put(wish.emailId(), unknown.get());
                        continue;
                    }
                    if (keywords.isEmpty() && serverIds.isEmpty()) {
                        settled.put(wish.emailId(), Answer.DONE);
                        continue;
                    }
                    update.put(id.get(), new EmailPatch(keywords, serverIds));
                }
            }
            id.ifPresent(serverId -> emails.put(serverId, wish.emailId()));
            if (update.size() + destroy.size() == objectsMax) {
                calls.add(new EmailSet(update, destroy, Optional.empty()));
                update.clear();
                destroy.clear();
            }
        }
        if (!update.isEmpty() || !destroy.isEmpty()) {
            calls.add(new EmailSet(update, destroy, Optional.empty()));
        }
        return new EmailSetPatch(calls, emails, settled);
    }

    /** A call that the server finds too large, in two. */
    static List<EmailSet> halves(EmailSet call) {
        List<String> updated = call.update().keySet().stream().sorted().toList();
        int objects = updated.size() + call.destroy().size();
        if (objects < 2) {
            throw new IllegalArgumentException("one object can not be halved");
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
