package org.postbus.fetcher.jmap;

import io.smallrye.mutiny.Uni;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod.ChangesResult;
import org.postbus.mail.jmap.method.JmapMethod.EmailChanges;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.observation.Cursor;

/**
 * Publishes what changed since the account's states, page by page: mailboxes and emails in one request, and a few changed emails in the same
 * answer as their ids (RFC 8620 section 3.7). More changes come in larger pages of ids, and their emails by requests of their own.
 */
final class EmailChangesSync {
    static final int CHANGES_MAX = 500;
    /** A server that reports more pages than this in one pass repeats itself. */
    static final int PAGES_MAX = 10_000;
    /** Calls of the request that asks for changes. */
    private static final int CALLS = 4;

    private static final int CALLS_WITH_EMAILS = CALLS + 2;

    private final JmapPassContext pass;
    private final JmapSyncState state;
    private final MailboxSync mailboxes;
    private final EmailPublishing emails;

    EmailChangesSync(JmapPassContext pass, MailboxSync mailboxes, EmailPublishing emails) {
        this.pass = pass;
        this.state = pass.state();
        this.mailboxes = mailboxes;
        this.emails = emails;
    }

    /** Fails with {@code CursorLost} if the server cannot report what changed. */
    void run() throws InterruptedException {
        for (int page = 0; page < PAGES_MAX; page++) {
            Cursor.Jmap cursor = state.emails.orElseThrow();
            ChangesResult changed = publishPage(cursor.state(), page == 0);
            if (!changed.newState().equals(cursor.state())) {
                int reported = changed.created().size()
                        + changed.updated().size()
                        + changed.destroyed().size();
                state.changesSinceComparison += Math.max(1, reported);
                emails.publishCursor(changed.newState(), Optional.empty(), true);
            } else if (changed.hasMoreChanges()) {
                throw new ServerException(
                        new ServerFailure.CursorLost("the server has more changes but its state does not advance"));
            }
            if (!changed.hasMoreChanges()) {
                return;
            }
        }
        throw new ServerException(new ServerFailure.CursorLost("the server's changes do not end"));
    }

    private ChangesResult publishPage(String since, boolean first) throws InterruptedException {
        try (Answer answer = ask(since, first)) {
            MailboxSync.Seen seen = answer.mailboxes().isPresent()
                    ? mailboxes.publishChanges(
                            answer.mailboxes().get(), answer.mailboxResults().result())
                    : mailboxes.read();
            ChangesResult changed = answer.held().result().get(answer.changes());
            publish(changed, answer);
            mailboxes.end(seen);
            return changed;
        }
    }

    /**
     * The calls of a request and their results. The emails themselves are not always asked for, or not returned.
     *
     * @param mailboxResults the same as {@code held} if everything was asked for in one request
     */
    private record Answer(
            Optional<MailboxSync.ChangesCalls> mailboxes,
            JmapClient.Held<JmapResults> mailboxResults,
            JmapRequest.Call<ChangesResult> changes,
            Optional<JmapRequest.Call<GetResult<JmapEmail>>> created,
            Optional<JmapRequest.Call<GetResult<JmapEmailState>>> updated,
            JmapClient.Held<JmapResults> held)
            implements AutoCloseable {
        JmapResults results() {
            return held.result();
        }

        @Override
        public void close() {
            held.close();
            mailboxResults.close();
        }
    }

    /**
     * Asks first for so few changes that their emails fit into the answer. A server may refuse that, or have a single change that is larger
     * than that.
     */
    private Answer ask(String since, boolean first) throws InterruptedException {
        if (first && state.emailsWithChanges && pass.callsMax() >= CALLS_WITH_EMAILS) {
            ServerFailure refusal;
            try {
                Answer answer = ask(since, pass.emailsPerAnswer(), true);
                Optional<ServerFailure> failure = answer.results().failure(answer.changes());
                if (failure.isEmpty()) {
                    return answer;
                }
                answer.close();
                refusal = failure.get();
            } catch (ServerException e) {
                refusal = e.failure();
            }
            boolean askDifferently = refusal instanceof ServerFailure.CursorLost
                    || refusal instanceof ServerFailure.Rejected
                    // It may be one of the emails that the server fails on.
                    || refusal instanceof ServerFailure.Unreachable && JmapFailures.isAnswer(refusal)
                    || GetSizeLimit.isAnswerTooLarge(refusal);
            if (!askDifferently) {
                throw new ServerException(refusal);
            }
            state.emailsWithChanges = refusal instanceof ServerFailure.CursorLost;
        }
        return ask(since, CHANGES_MAX, false);
    }

    private Answer ask(String since, int changesMax, boolean withEmails) throws InterruptedException {
        JmapRequest request = new JmapRequest();
        // Users wait for expected changes, and a server answers the calls of one request one after the other but two
        // requests in parallel.
        JmapRequest mailboxRequest = pass.changesExpected() ? new JmapRequest() : request;
        Optional<MailboxSync.ChangesCalls> mailboxCalls = state.mailboxState
                .filter(mailboxState -> pass.callsMax() >= CALLS)
                .map(mailboxState -> MailboxSync.ChangesCalls.in(mailboxRequest, mailboxState));
        JmapRequest.Call<ChangesResult> changes = request.add(new EmailChanges(since, changesMax));
        Optional<JmapRequest.Call<GetResult<JmapEmail>>> created = withEmails
                ? Optional.of(request.add(new EmailGet(changes.result("/created"), EmailPublishing.BODIES)))
                : Optional.empty();
        Optional<JmapRequest.Call<GetResult<JmapEmailState>>> updated =
                withEmails ? Optional.of(request.add(new EmailStateGet(changes.result("/updated")))) : Optional.empty();
        if (mailboxRequest == request || mailboxCalls.isEmpty()) {
            JmapClient.Held<JmapResults> results = pass.send(request);
            return new Answer(mailboxCalls, results, changes, created, updated, results);
        }
        return Await.of(
                Uni.combine()
                        .all()
                        .unis(pass.client().sendHeld(request), pass.client().sendHeld(mailboxRequest))
                        .with((results, mailboxResults) ->
                                new Answer(mailboxCalls, mailboxResults, changes, created, updated, results)),
                JmapPassContext.REQUEST_TIME_MAX,
                ServerException::unreachable);
    }

    private void publish(ChangesResult changed, Answer answer) throws InterruptedException {
        Set<String> destroyed = new LinkedHashSet<>(changed.destroyed());
        List<String> created = changed.created().stream()
                .distinct()
                .filter(id -> !destroyed.contains(id))
                .toList();
        Set<String> createdIds = Set.copyOf(created);
        List<String> updated = changed.updated().stream()
                .distinct()
                .filter(id -> !destroyed.contains(id) && !createdIds.contains(id))
                .toList();
        emails.publishDestroyedAndCreated(
                destroyed,
                created,
                answer.created().flatMap(call -> EmailPublishing.ifAnswered(answer.results(), call)));
        emails.publishDestroyed(emails.publishStates(
                updated, answer.updated().flatMap(call -> EmailPublishing.ifAnswered(answer.results(), call))));
    }
}
