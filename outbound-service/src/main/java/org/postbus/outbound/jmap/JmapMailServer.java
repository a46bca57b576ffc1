package org.postbus.outbound.jmap;

import io.smallrye.mutiny.TimeoutException;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChange;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.MailboxSet;
import org.postbus.mail.jmap.method.JmapMethod.SetResult;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.outbound.FoldedWish;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer;
import org.postbus.outbound.MailboxWish;

/** Carries wishes out by {@code Email/set}, as {@link EmailSetPatch} lays them out. */
public final class JmapMailServer implements MailServer {
    private static final Duration CALL_TIME_MAX = Duration.ofMinutes(2);
    /** The server takes fewer objects at once than it said. */
    private static final Set<String> TOO_LARGE =
            Set.of("requestTooLarge", "limit:maxSizeRequest", "limit:maxObjectsInSet");

    private final JmapClient client;
    private boolean open = true;

    private JmapMailServer(JmapClient client) {
        this.client = client;
    }

    /** @throws ServerException if it can not be reached or refuses the login */
    public static JmapMailServer open(Vertx vertx, AccountSettings.Jmap settings, Credential credential) {
        return new JmapMailServer(JmapClient.open(vertx, settings, credential, JmapOptions.DEFAULTS)
                .await()
                .atMost(CALL_TIME_MAX));
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            client.close();
        }
    }

    @Override
    public Answers carryOut(List<FoldedWish> wishes, Known known) {
        EmailSetPatch patch =
                EmailSetPatch.of(wishes, known, client.session().limits().maxObjectsInSet());
        Map<EmailId, Answer> answers = new HashMap<>(patch.settled());
        Deque<EmailSet> calls = new ArrayDeque<>(patch.calls());
        boolean changing = false;
        while (!calls.isEmpty()) {
            EmailSet call = calls.removeFirst();
            try {
                SetResult result = await(call);
                changing = true;
                Set<String> done = new HashSet<>(result.updated());
                done.addAll(result.destroyed());
                objects(call)
                        .forEach(id -> answers.put(
                                patch.emails().get(id), done.contains(id) ? Answer.DONE : whyNot(id, result)));
            } catch (ServerException e) {
                if (isTooLarge(e.failure()) && objects(call).size() > 1) {
                    EmailSetPatch.halves(call).reversed().forEach(calls::addFirst);
                    continue;
                }
                boolean sent = e.failure() instanceof ServerFailure.OutcomeUnknown;
                boolean refused = e.failure() instanceof ServerFailure.Rejected;
                if (sent || refused) {
                    objects(call).forEach(id -> answers.put(patch.emails().get(id), new Answer.Failed(e.failure())));
                }
                if (!refused) {
                    close();
                    ServerFailure lost =
                            sent ? new ServerFailure.Unreachable(e.failure().text()) : e.failure();
                    return new Answers(answers, Optional.of(lost), changing || sent);
                }
            }
        }
        return new Answers(answers, Optional.empty(), changing);
    }

    /**
     * With the state of the mailboxes as they are read just before, so that nobody's change is overwritten by one that was decided
     * without it (RFC 8620 section 5.3): a stateMismatch is tried again on fresh state.
     */
    @Override
    public Answer carryOut(MailboxWish wish, Known known) {
        try {
            GetResult<JmapMailbox> now = await(new MailboxGet(Ids.all()));
            Optional<String> id = serverId(known, wish.mailboxId());
            boolean there = id.isPresent()
                    && now.list().stream().anyMatch(mailbox -> mailbox.id().equals(id.get()));
            return switch (wish.change()) {
                case MailboxWish.Change.Create(var name, var parent) -> {
                    Optional<String> parentId = parent.flatMap(one -> serverId(known, one));
                    boolean exists = now.list().stream()
                            .anyMatch(mailbox -> mailbox.name().equals(name)
                                    && mailbox.parentId().equals(parentId));
                    if (parent.isPresent() && parentId.isEmpty()) {
                        yield rejected("invalidProperties", "the mailbox above is no longer there");
                    }
                    yield exists
                            ? wish.triedBefore()
                                    ? Answer.DONE
                                    : rejected("alreadyExists", "there is a mailbox of this name")
                            : set(new MailboxChange.Create(name, parentId), now.state());
                }
                case MailboxWish.Change.Update(var name, var parent) -> {
                    Optional<Optional<String>> parentId =
                            parent.map(one -> one.flatMap(above -> serverId(known, above)));
                    if (!there) {
                        yield rejected("notFound", "the mailbox is no longer on the server");
                    }
                    if (parent.flatMap(one -> one).isPresent()
                            && parentId.flatMap(one -> one).isEmpty()) {
                        yield rejected("invalidProperties", "the mailbox above is no longer there");
                    }
                    yield set(new MailboxChange.Update(id.get(), name, parentId), now.state());
                }
                case MailboxWish.Change.Destroy(var removeEmails) ->
                    there ? set(new MailboxChange.Destroy(id.get(), removeEmails), now.state()) : Answer.DONE;
            };
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected || e.failure() instanceof ServerFailure.Conflict) {
                return new Answer.Failed(e.failure());
            }
            close();
            throw e;
        }
    }

    private Answer set(MailboxChange change, String state) {
        Optional<SetError> refusal = await(new MailboxSet(change, Optional.of(state)));
        return refusal.<Answer>map(error -> new Answer.Failed(error.failure())).orElse(Answer.DONE);
    }

    private static Optional<String> serverId(Known known, MailboxId mailbox) {
        return known.mailbox(mailbox).map(found -> found.key().serverId());
    }

    private static Answer rejected(String code, String text) {
        return new Answer.Failed(new ServerFailure.Rejected(code, text));
    }

    private static Answer whyNot(String id, SetResult result) {
        SetError notDestroyed = result.notDestroyed().get(id);
        if (notDestroyed != null) {
            return notDestroyed.type().equals("notFound") ? Answer.DONE : new Answer.Failed(notDestroyed.failure());
        }
        SetError notUpdated = result.notUpdated().get(id);
        return new Answer.Failed(
                notUpdated != null
                        ? notUpdated.failure()
                        : new ServerFailure.OutcomeUnknown("the server does not say what became of the email"));
    }

    private <R> R await(JmapMethod<R> call) {
        try {
            return client.call(call).await().atMost(CALL_TIME_MAX);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.OutcomeUnknown("no answer within " + CALL_TIME_MAX.toMinutes() + " minutes"), e);
        }
    }

    private static boolean isTooLarge(ServerFailure failure) {
        return failure instanceof ServerFailure.Rejected rejected && TOO_LARGE.contains(rejected.code());
    }

    private static List<String> objects(EmailSet call) {
        List<String> ids = new ArrayList<>(call.update().keySet());
        ids.addAll(call.destroy());
        return ids;
    }
}
