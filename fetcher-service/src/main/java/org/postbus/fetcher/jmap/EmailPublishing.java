package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapMethod.BodyValues;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarksGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailQuery;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.model.EmailBody;
import org.postbus.observation.Cursor;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.SyncScope;

/** Reads emails by their ids and publishes them: whole, or what can change of them, or that they were destroyed or have new ids. */
final class EmailPublishing {
    static final Optional<BodyValues> BODIES = Optional.of(new BodyValues(true, true, EmailBody.TEXT_BYTES_MAX));
    /** Emails that are read from the database at a time. */
    private static final int STORED_PAGE = 5000;

    private static final Logger LOG = Logger.getLogger(EmailPublishing.class);

    private final JmapPassContext pass;
    private final JmapSyncState state;
    private final MailboxSync mailboxes;
    private final OversizedEmails oversized;
    private final RefusedEmails refused;

    EmailPublishing(JmapPassContext pass, MailboxSync mailboxes) {
        this.oversized = new OversizedEmails(pass);
        this.refused = new RefusedEmails(pass);
        this.pass = pass;
        this.state = pass.state();
        this.mailboxes = mailboxes;
    }

    // ---- Queries

    String currentState() throws InterruptedException {
        return pass.call(new EmailGet(Ids.these(List.of()), Optional.empty())).state();
    }

    List<String> idPage(QueryStart start, int limit) throws InterruptedException {
        return pass.call(new EmailQuery(start, limit)).ids();
    }

    /** Empty if the call failed: it is then repeated by itself, and if that fails too, that failure counts. */
    static <R> Optional<R> ifAnswered(JmapResults results, JmapRequest.Call<R> call) {
        return results.failure(call).isPresent() ? Optional.empty() : Optional.of(results.get(call));
    }

    Map<String, EmailStateObserved> storedStates(Collection<String> ids) throws InterruptedException {
        return ids.isEmpty() ? Map.of() : pass.stored().states(ids);
    }

    /** Those of the ids that are not stored, without emails that could not be read: these are tried again by themselves. */
    List<String> withoutStored(List<String> page) throws InterruptedException {
        Set<String> stored =
                pass.stored().marks(page).stream().map(EmailMarks::id).collect(Collectors.toSet());
        return page.stream()
                .filter(id -> !stored.contains(id) && !state.notRead.contains(id))
                .toList();
    }

    /** Those of the ids that are not tried again by themselves: asked for here, many of them in a row would end each pass at the same place. */
    List<String> withoutUnread(List<String> ids) {
        return ids.stream().filter(id -> !state.notRead.contains(id)).toList();
    }

    // ---- Emails

    /**
     * Publishes whole emails. Those that do not exist any more are published as destroyed.
     *
     * @param answer the emails, if they have been read already
     */
    void publish(List<String> ids, Optional<GetResult<JmapEmail>> answer) throws InterruptedException {
        if (answer.isPresent()) {
            publish(ids, answer.get());
        } else {
            try (PagedGet<GetResult<JmapEmail>> get = get()) {
                get.ask(refused.isRetrying() ? ids : withoutUnread(ids));
                get.end();
            }
        }
    }

    /** Reads and publishes whole emails, several requests at a time. */
    PagedGet<GetResult<JmapEmail>> get() {
        return new PagedGet<>(
                pass.client(),
                state.bodiesPerGet,
                ids -> new EmailGet(ids, BODIES),
                this::publish,
                (id, why) -> oversized.publish(id, why, answer -> publish(List.of(id), answer)),
                new PagedGet.Refusals() {
                    @Override
                    public boolean maySplit(ServerFailure failure) {
                        return refused.maySplit(failure);
                    }

                    @Override
                    public void refused(String id, ServerFailure why) throws InterruptedException {
                        refused.defer(id, why.text());
                    }
                });
    }

    /** Reads emails again that could not be read before, each by a request of its own. At the end of a pass. */
    void retry(List<String> ids) throws InterruptedException {
        refused.beginRetries();
        for (String id : ids) {
            if (refused.isEverythingRefused()) {
                refused.postpone(id);
            } else {
                publish(List.of(id), Optional.empty());
            }
        }
    }

    void publish(List<String> ids, GetResult<JmapEmail> answer) throws InterruptedException {
        Set<String> wanted = Set.copyOf(ids);
        List<JmapEmail> emails = answer.list().stream()
                .filter(email -> wanted.contains(email.id()))
                .toList();
        Set<String> mailboxIds = new HashSet<>();
        emails.forEach(email -> mailboxIds.addAll(email.mailboxIds()));
        mailboxes.ensurePublished(mailboxIds);
        for (JmapEmail email : emails) {
            pass.out().add(JmapObservations.observed(email));
        }
        if (!emails.isEmpty()) {
            refused.returned();
            state.notRead.remove(emails.stream().map(JmapEmail::id).toList());
        }
        publishDestroyed(answer.notFound().stream().filter(wanted::contains).toList());
        publishLeftOut(ids, answer);
    }

    /** An email that is neither returned nor said to be gone is asked for alone, and then again later: silence says nothing. */
    private void publishLeftOut(List<String> ids, GetResult<JmapEmail> answer) throws InterruptedException {
        Set<String> answered = answer.list().stream().map(JmapEmail::id).collect(Collectors.toSet());
        answered.addAll(answer.notFound());
        List<String> leftOut = ids.stream().filter(id -> !answered.contains(id)).toList();
        if (ids.size() > 1) {
            for (String id : leftOut) {
                publish(List.of(id), Optional.empty());
            }
            return;
        }
        for (String id : leftOut) {
            refused.defer(id, "the server neither returns the email nor says that it does not exist");
        }
    }

    /**
     * Publishes keywords and mailboxes of emails.
     *
     * @param answer these, if they have been read already
     * @return emails that do not exist any more
     */
    Set<String> publishStates(List<String> ids, Optional<GetResult<JmapEmailState>> answer)
            throws InterruptedException {
        Set<String> notFound = new LinkedHashSet<>();
        if (answer.isPresent()) {
            notFound.addAll(publishStates(ids, answer.get()));
        } else {
            getAll(
                    ids,
                    state.statesPerGet,
                    EmailStateGet::new,
                    (asked, got) -> notFound.addAll(publishStates(asked, got)));
        }
        return notFound;
    }

    private List<String> publishStates(List<String> ids, GetResult<JmapEmailState> answer) throws InterruptedException {
        Set<String> wanted = Set.copyOf(ids);
        List<JmapEmailState> emails = answer.list().stream()
                .filter(email -> wanted.contains(email.id()))
                .toList();
        Set<String> mailboxIds = new HashSet<>();
        emails.forEach(email -> mailboxIds.addAll(email.mailboxIds()));
        mailboxes.ensurePublished(mailboxIds);
        for (JmapEmailState email : emails) {
            pass.out().add(JmapObservations.state(email));
        }
        return answer.notFound().stream().filter(wanted::contains).toList();
    }

    /**
     * Publishes the keywords and mailboxes of those emails for which the server has others than stored.
     *
     * @return emails that do not exist any more
     */
    Set<String> publishDifferences(Map<String, EmailStateObserved> stored) throws InterruptedException {
        Set<String> notFound = new LinkedHashSet<>();
        List<String> updated = new ArrayList<>();
        getAll(List.copyOf(stored.keySet()), state.statesPerGet, EmailStateGet::new, (asked, got) -> {
            List<JmapEmailState> differing = got.list().stream()
                    .filter(email -> !JmapObservations.state(email).equals(stored.get(email.id())))
                    .toList();
            differing.forEach(email -> updated.add(email.id()));
            notFound.addAll(publishStates(asked, new GetResult<>(got.state(), differing, got.notFound())));
        });
        if (!updated.isEmpty() || !notFound.isEmpty()) {
            LOG.infof(
                    "account %s: compared: %d emails differed from those stored, %d do not exist any more",
                    pass.account(), updated.size(), notFound.size());
        }
        return notFound;
    }

    void publishDestroyed(Collection<String> ids) throws InterruptedException {
        state.notRead.remove(ids);
        for (List<String> page : JmapClient.chunks(List.copyOf(ids), ObservationBatch.EMAILS_MAX)) {
            pass.out().add(new Observation.EmailsDestroyed(page));
        }
    }

    /**
     * A server that merges threads destroys emails and creates them again with other ids: of these only the new id and the thread are new.
     *
     * @param answer the created emails, if they have been read already
     */
    void publishDestroyedAndCreated(Set<String> destroyed, List<String> created, Optional<GetResult<JmapEmail>> answer)
            throws InterruptedException {
        Set<String> gone = new LinkedHashSet<>(destroyed);
        if (!gone.isEmpty() && !created.isEmpty()) {
            Map<String, String> newIds = reassignedIds(gone, created);
            for (List<String> page : JmapClient.chunks(List.copyOf(newIds.keySet()), ObservationBatch.EMAILS_MAX)) {
                pass.out()
                        .add(new Observation.JmapIdsReassigned(
                                page.stream().collect(Collectors.toMap(Function.identity(), newIds::get))));
            }
            gone.removeAll(newIds.keySet());
        }
        publishDestroyed(gone);
        publish(created, answer);
    }

    /** The new ids, by old id. */
    private Map<String, String> reassignedIds(Set<String> destroyed, List<String> created) throws InterruptedException {
        // The destroyed emails are recognised by what is stored of them.
        pass.out().awaitApplied();
        ReassignedIds reassigned = new ReassignedIds();
        for (List<String> page : JmapClient.chunks(List.copyOf(destroyed), STORED_PAGE)) {
            reassigned.destroyed(pass.stored().marks(page));
        }
        if (!reassigned.isNoneDestroyed()) {
            getAll(created, state.statesPerGet, EmailMarksGet::new, (asked, got) -> reassigned.created(got.list()));
        }
        return reassigned.newIds();
    }

    private <R> void getAll(List<String> ids, GetSizeLimit limit, Function<Ids, JmapMethod<R>> get, PagedGet.Use<R> use)
            throws InterruptedException {
        try (PagedGet<R> all = new PagedGet<>(pass.client(), limit, get, use)) {
            all.ask(ids);
            all.end();
        }
    }

    // ---- The cursor

    void publishCursor(String emailState, Optional<String> anchor, boolean initialSyncEnded)
            throws InterruptedException {
        Instant got = pass.context().clock().instant();
        state.overlap = state.overlap.map(window -> window.advanced(emailState, got));
        Cursor.Jmap cursor = new Cursor.Jmap(
                emailState,
                anchor,
                initialSyncEnded,
                state.overlap.map(window -> new Cursor.Jmap.Unsettled(window.base(), state.changesSinceComparison)));
        state.emails = Optional.of(cursor);
        pass.out().add(new Observation.ScopeSynced(SyncScope.JMAP_EMAIL, cursor));
    }
}
