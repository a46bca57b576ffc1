package org.postbus.outbound.jmap;

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
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChange;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.MailboxSet;
import org.postbus.mail.jmap.method.JmapMethod.SetResult;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.EmailId;
import org.postbus.outbound.jmap.plan.EmailSetPlan;
import org.postbus.outbound.jmap.plan.JmapMailboxPlan;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * Applies mutations over JMAP: those of emails by the {@code Email/set} calls of {@link EmailSetPlan}, those of mailboxes by {@code
 * Mailbox/set}.
 */
public final class JmapMailServer implements MailServer {
    private static final Duration CALL_TIME_MAX = Duration.ofMinutes(2);
    /** Errors of a call with more objects than the server accepts, against the limits of its session. */
    private static final Set<String> TOO_LARGE =
            Set.of("requestTooLarge", "limit:maxSizeRequest", "limit:maxObjectsInSet");

    private final JmapClient client;
    private boolean open = true;

    private JmapMailServer(JmapClient client) {
        this.client = client;
    }

    /** @throws ServerException if the server cannot be reached or refuses the login */
    public static JmapMailServer open(EgressConnector egress, AccountSettings.Jmap settings, Credential credential) {
        return new JmapMailServer(Await.uninterruptibly(
                JmapClient.open(egress, settings, credential, JmapOptions.DEFAULTS),
                CALL_TIME_MAX,
                ServerException::unreachable));
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
    public Answers apply(List<FoldedMutation> mutations, ServerSnapshot snapshot) {
        EmailSetPlan plan =
                EmailSetPlan.of(mutations, snapshot, client.session().limits().maxObjectsInSet());
        Map<EmailId, Answer> answers = new HashMap<>(plan.settled());
        Deque<EmailSet> calls = new ArrayDeque<>(plan.calls());
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
                                plan.emails().get(id), done.contains(id) ? Answer.DONE : refusal(id, result)));
            } catch (ServerException e) {
                if (isTooLarge(e.failure()) && objects(call).size() > 1) {
                    EmailSetPlan.halves(call).reversed().forEach(calls::addFirst);
                    continue;
                }
                boolean sent = e.failure() instanceof ServerFailure.OutcomeUnknown;
                boolean refused = e.failure() instanceof ServerFailure.Rejected;
                if (sent || refused) {
                    objects(call).forEach(id -> answers.put(plan.emails().get(id), new Answer.Failed(e.failure())));
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
     * With {@code ifInState} of the mailboxes as they were read just before, so that no concurrent change of another client is overwritten
     * (RFC 8620 section 5.3). A stateMismatch is tried again on fresh state.
     */
    @Override
    public Answer apply(MailboxMutation mutation, ServerSnapshot snapshot) {
        try {
            GetResult<JmapMailbox> current = await(new MailboxGet(Ids.all()));
            return switch (new JmapMailboxPlan(current.list()).step(mutation, snapshot)) {
                case JmapMailboxPlan.Step.Settled(var answer) -> answer;
                case JmapMailboxPlan.Step.Set(var change) -> set(change, current.state());
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

    private static Answer refusal(String id, SetResult result) {
        SetError notDestroyed = result.notDestroyed().get(id);
        if (notDestroyed != null) {
            return notDestroyed.type().equals("notFound") ? Answer.DONE : new Answer.Failed(notDestroyed.failure());
        }
        SetError notUpdated = result.notUpdated().get(id);
        return new Answer.Failed(
                notUpdated != null
                        ? notUpdated.failure()
                        : new ServerFailure.OutcomeUnknown("the server's response does not mention the email"));
    }

    private <R> R await(JmapMethod<R> call) {
        return Await.uninterruptibly(client.call(call), CALL_TIME_MAX, ServerException::outcomeUnknown);
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
