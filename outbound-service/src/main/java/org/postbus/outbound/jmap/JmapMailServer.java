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
import java.util.stream.Collectors;
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
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.MailServer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;
import org.postbus.outbound.retry.QueueHold;

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
    public Answers apply(List<FoldedMutation> mutations, ServerSnapshot snapshot, HeldClaim claim) {
        EmailSetPlan plan =
                EmailSetPlan.of(mutations, snapshot, client.session().limits().maxObjectsInSet());
        Map<EmailId, Answer> answers = new HashMap<>(plan.settled());
        Set<EmailId> interrupted = mutations.stream()
                .filter(FoldedMutation::interruptedBefore)
                .map(FoldedMutation::emailId)
                .collect(Collectors.toSet());
        Deque<EmailSet> calls = new ArrayDeque<>(plan.calls());
        boolean changing = false;
        while (!calls.isEmpty()) {
            EmailSet call = calls.removeFirst();
            claim.beforeCommand();
            try {
                SetResult result = await(call);
                changing = true;
                Set<String> done = new HashSet<>(result.updated());
                done.addAll(result.destroyed());
                for (String id : objects(call)) {
                    EmailId email = plan.emails().get(id);
                    answers.put(
                            email, done.contains(id) ? Answer.DONE : refusal(id, result, interrupted.contains(email)));
                }
            } catch (ServerException e) {
                if (isTooLarge(e.failure()) && objects(call).size() > 1) {
                    EmailSetPlan.halves(call).reversed().forEach(calls::addFirst);
                    continue;
                }
                ServerFailure failure = ofCall(e.failure());
                boolean sent = failure instanceof ServerFailure.OutcomeUnknown;
                boolean ofServer = QueueHold.of(failure).isPresent();
                if (!ofServer) {
                    objects(call).forEach(id -> answers.put(plan.emails().get(id), new Answer.Failed(failure)));
                }
                if (sent || ofServer) {
                    close();
                    ServerFailure lost = sent ? new ServerFailure.Unreachable(failure.text()) : failure;
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
    public Answer apply(MailboxMutation mutation, ServerSnapshot snapshot, HeldClaim claim) {
        try {
            GetResult<JmapMailbox> current = await(new MailboxGet(Ids.all()));
            return switch (new JmapMailboxPlan(current.list()).step(mutation, snapshot)) {
                case JmapMailboxPlan.Step.Settled(var answer) -> answer;
                case JmapMailboxPlan.Step.Set(var change) -> {
                    claim.confirm();
                    yield set(change, current.state());
                }
            };
        } catch (ServerException e) {
            ServerFailure failure = ofCall(e.failure());
            if (failure instanceof ServerFailure.Rejected || failure instanceof ServerFailure.Conflict) {
                return new Answer.Failed(failure);
            }
            close();
            throw new ServerException(failure, e);
        }
    }

    private Answer set(MailboxChange change, String state) {
        Optional<SetError> refusal = await(new MailboxSet(change, Optional.of(state)));
        return refusal.<Answer>map(error -> new Answer.Failed(error.failure())).orElse(Answer.DONE);
    }

    /** A status of HTTP says nothing about the emails: a proxy answers 404 while the server is away. */
    private static ServerFailure ofCall(ServerFailure failure) {
        return failure instanceof ServerFailure.Rejected(var code, var text) && code.startsWith("http-")
                ? new ServerFailure.Unreachable(text)
                : failure;
    }

    /**
     * An id that is not found may have been replaced by another one for the same email, which the next pass shows. Only if an earlier attempt may
     * have destroyed the email, that attempt has.
     *
     * @param interrupted whether the outcome of an earlier attempt is unknown
     */
    private static Answer refusal(String id, SetResult result, boolean interrupted) {
        SetError notDestroyed = result.notDestroyed().get(id);
        if (notDestroyed != null) {
            return notDestroyed.type().equals("notFound") && interrupted ? Answer.DONE : refusal(notDestroyed);
        }
        SetError notUpdated = result.notUpdated().get(id);
        return notUpdated != null
                ? refusal(notUpdated)
                : new Answer.Failed(
                        new ServerFailure.OutcomeUnknown("the server's response does not mention the email"));
    }

    private static Answer refusal(SetError error) {
        return error.type().equals("notFound") ? Answer.MISSING : new Answer.Failed(error.failure());
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
