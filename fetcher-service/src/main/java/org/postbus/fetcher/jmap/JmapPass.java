package org.postbus.fetcher.jmap;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation.EmailStateObserved;
import org.postbus.event.Observation;
import org.postbus.event.ObservationBatch;
import org.postbus.event.ObservedMailbox;
import org.postbus.event.SyncScope;
import org.postbus.fetcher.imap.FullComparison;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource.PassOutcome;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.kit.concurrent.Await;
import org.postbus.fetcher.store.Claim;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.mail.jmap.method.JmapMethod.BodyValues;
import org.postbus.mail.jmap.method.JmapMethod.ChangesResult;
import org.postbus.mail.jmap.method.JmapMethod.EmailChanges;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarksGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailQuery;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChanges;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.MailboxUpdatesGet;
import org.postbus.mail.jmap.method.JmapMethod.QueryResult;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.model.EmailBody;

/**
 * One look at a whole JMAP account.
 *
 * <p>Phases: (1) the first time, the state is taken; (2) until the first run has ended, all emails are paged through, the
 * newest first; (3) what changed since the state, page by page. A state is published only after everything that it follows
 * from, so a failure after any phase costs no more than that page again. When the server cannot tell what changed, all ids
 * are compared instead. Once all is quiet the server is asked once more for what it left out ({@link OverlapWindow}).
 *
 * <p>What fits into one answer is asked for in one request: the newest emails with the first page of ids, and those that
 * changed with their ids (RFC 8620 section 3.7). What is more comes in larger pages of ids, and the emails of these by several
 * requests at a time.
 */
public final class JmapPass {
    static final Duration REQUEST_TIME_MAX = Duration.ofMinutes(3);

    private static final int CHANGES_MAX = 500;
    /** Emails that are looked up in the database at a time. */
    private static final int STORED_AT_ONCE = 5000;
    /** Accounts that may hold more than {@link #FEW_IDS} ids of emails that went and came: they take up to 100 MB each. */
    public static final int MANY_IDS_AT_ONCE = 2;

    private static final int FEW_IDS = 1000;
    /** Emails beyond these are new: what went is not looked for among them. */
    private static final int CAME_MAX = 200_000;
    /** A server whose ids have not ended by then goes in circles; other accounts may wait for the place of this one. */
    private static final Duration COMPARISON_TIME_MAX = Duration.ofHours(1);
    /** Those of the request that asks for changes. */
    private static final int CALLS = 4;

    private static final int CALLS_WITH_EMAILS = CALLS + 2;
    /** A server that reports more pages than this in one pass goes in circles. */
    private static final int CHANGES_PAGES_MAX = 10_000;

    /**
     * When so many emails are stored for each change there was, the second look compares all: a server may tell nothing of an email
     * from any state (James: one that is moved and destroyed between two looks).
     */
    private static final int COMPARED_PER_CHANGE = 50;

    private static final Optional<BodyValues> BODIES =
            Optional.of(new BodyValues(true, true, EmailBody.TEXT_BYTES_MAX));
    private static final Logger LOG = Logger.getLogger(JmapPass.class);

    private final Claim claim;
    private final FetcherContext around;
    private final JmapClient client;
    private final JmapSyncState view;
    private final ObservationPublisher out;
    private final boolean full;
    private final boolean newsExpected;
    private final Instant now;
    private final Set<String> notShown = new HashSet<>();
    private boolean again;

    /**
     * @param full trust no cursor
     * @param newsExpected somebody asks for a look, or push told of a change: if none is found the mailboxes are counted
     */
    JmapPass(
            Claim claim,
            FetcherContext around,
            JmapClient client,
            JmapSyncState view,
            ObservationPublisher out,
            boolean full,
            boolean newsExpected,
            Instant now) {
        this.claim = claim;
        this.around = around;
        this.client = client;
        this.view = view;
        this.out = out;
        this.full = full;
        this.newsExpected = newsExpected;
        this.now = now;
    }

    public PassOutcome run() throws InterruptedException {
        long sentBefore = out.sentSeq();
        look();
        if (full || again || out.isPending() || out.sentSeq() > sentBefore) {
            view.audit = view.audit.stirred();
        } else {
            if (newsExpected || !view.countedAt.plus(CountAudit.EVERY).isAfter(now)) {
                view.audit = view.audit.wanted();
            }
            if (view.audit.due() && out.isApplied()) {
                audit();
                view.countedAt = now;
            }
        }
        return new PassOutcome(true, again);
    }

    private void look() throws InterruptedException {
        if (view.emails.isEmpty()) {
            begin();
        }
        if (view.secondLook.isEmpty()) {
            String state = view.emails.orElseThrow().state();
            view.secondLook = Optional.of(view.emails
                    .flatMap(Cursor.Jmap::unsettled)
                    .map(unsettled -> OverlapWindow.between(unsettled.since(), state, now))
                    .orElseGet(() -> OverlapWindow.from(state, now)));
        }
        if (!view.emails.orElseThrow().firstRunEnded()) {
            if (view.mailboxState.isPresent()) {
                refreshMailboxes();
            }
            firstRun();
        }
        if (full || isTurn()) {
            reconcile();
        }
        boolean lost = false;
        try {
            changes();
            view.lost = ReconciliationSchedule.NONE;
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.CursorLost)) {
                throw e;
            }
            lost = view.lost.isDue(now);
            if (lost) {
                LOG.infof(
                        "account %s: all ids are compared: %s",
                        claim.accountId(), e.failure().text());
            }
        }
        if (lost) {
            reconcile();
            view.lost = view.lost.compared(now);
            again |= view.lost.isWorthATry();
        }
        Optional<String> since = view.secondLook.orElseThrow().due(now);
        if (since.isPresent()) {
            if (view.changedSinceCompared * COMPARED_PER_CHANGE >= emailsOnServer()) {
                reconcile();
            } else {
                lookAgain(since.get());
            }
            view.secondLook = view.secondLook.map(second -> second.looked(now));
        }
    }

    /** Once a day: a change of keywords that the server keeps to itself does not even show in the counts. */
    private boolean isTurn() {
        Instant since = view.lookedAt.orElse(now);
        view.lookedAt = Optional.of(now);
        return FullComparison.hasTurn(claim.accountId(), since, now, around.compareEvery());
    }

    private long emailsOnServer() {
        return view.mailboxes.values().stream()
                .mapToLong(ObservedMailbox::totalEmails)
                .sum();
    }

    private void audit() throws InterruptedException {
        // A server that keeps the change of an email to itself may keep its mailbox's, too.
        Map<MailboxKey, ObservedMailbox> told = Map.copyOf(view.mailboxes);
        refreshMailboxes();
        if (!told.equals(view.mailboxes)) {
            view.audit = view.audit.stirred();
            return;
        }
        Map<MailboxKey, Long> missing = around.tables().missing(claim.tenantId(), claim.accountId());
        boolean proven = view.audit.isProvenBy(missing);
        view.audit = view.audit.looked(missing);
        if (proven) {
            LOG.warnf(
                    "account %s: all ids are compared: %d mailboxes have another number of emails than the server says,"
                            + " though it reports no change",
                    claim.accountId(), missing.size());
            view.audit = view.audit.comparing();
            reconcile();
        }
    }

    // ---- Phase 1

    /** The state is read before anything else: what happens during the first run is among the changes since it. */
    private void begin() throws InterruptedException {
        String state = emailState();
        refreshMailboxes();
        emailsSynced(state, Optional.empty(), false);
    }

    private String emailState() throws InterruptedException {
        return ask(new EmailGet(Ids.these(List.of()), Optional.empty())).state();
    }

    // ---- Phase 2

    private void firstRun() throws InterruptedException {
        Cursor.Jmap cursor = view.emails.orElseThrow();
        NewestFirst newest = new NewestFirst(cursor.anchor().isEmpty());
        JmapIdPages pages = new JmapIdPages(newest, cursor.anchor());
        boolean skipStored = false;
        // Not ended at the end of each page: the server would have nothing to do while we read the next page of ids.
        try (PagedGet<GetResult<JmapEmail>> emails = emailGet()) {
            for (List<String> page = next(pages, emails); !page.isEmpty(); page = next(pages, emails)) {
                if (pages.beganAgain() && !skipStored) {
                    out.awaitApplied();
                    skipStored = true;
                }
                List<String> wanted = skipStored ? withoutStored(page) : page;
                Optional<GetResult<JmapEmail>> given = newest.takeEmails();
                if (given.isPresent()) {
                    publishEmails(wanted, given.get());
                } else {
                    emails.ask(wanted);
                }
                Optional<String> last = Optional.of(page.getLast());
                emails.then(() -> emailsSynced(cursor.state(), last, false));
            }
            emails.end();
        }
        emailsSynced(cursor.state(), Optional.empty(), true);
    }

    /** If it fails, what came before is used all the same: a server that always fails there is not asked for it again. */
    private static List<String> next(JmapIdPages pages, PagedGet<?> before) throws InterruptedException {
        try {
            return pages.next();
        } catch (ServerException e) {
            before.end();
            throw e;
        }
    }

    private List<String> idPage(QueryStart start, int limit) throws InterruptedException {
        return ask(new EmailQuery(start, limit)).ids();
    }

    /** Pages of ids, the first of which brings its emails with it. */
    private final class NewestFirst implements JmapIdPages.Query {
        private boolean together;
        private Optional<GetResult<JmapEmail>> emails = Optional.empty();

        NewestFirst(boolean together) {
            this.together = together && callsMax() >= 2;
        }

        @Override
        public List<String> page(QueryStart start, int limit) throws InterruptedException {
            if (!together) {
                return idPage(start, limit);
            }
            together = false;
            JmapRequest request = new JmapRequest();
            JmapRequest.Call<QueryResult> query = request.add(new EmailQuery(start, Math.min(limit, emailsAtOnce())));
            JmapRequest.Call<GetResult<JmapEmail>> get = request.add(new EmailGet(query.result("/ids"), BODIES));
            try {
                JmapResults results = Await.of(client.send(request), REQUEST_TIME_MAX, ServerException::unreachable);
                List<String> ids = results.get(query).ids();
                emails = given(results, get);
                return ids;
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                return idPage(start, limit);
            }
        }

        /** Of the page that was asked for last, if they came with it. */
        Optional<GetResult<JmapEmail>> takeEmails() {
            Optional<GetResult<JmapEmail>> taken = emails;
            emails = Optional.empty();
            return taken;
        }
    }

    // ---- Phase 3

    private void changes() throws InterruptedException {
        for (int page = 0; page < CHANGES_PAGES_MAX; page++) {
            Cursor.Jmap cursor = view.emails.orElseThrow();
            ChangesAnswer answer = askForChanges(cursor.state(), page == 0);
            MailboxesSeen seen = answer.mailboxes().isPresent()
                    ? mailboxChanges(answer.ofMailboxes(), answer.mailboxes().get())
                    : readMailboxes();
            ChangesResult changed = answer.results().get(answer.changes());
            publishChanges(changed, answer);
            end(seen);
            if (!changed.newState().equals(cursor.state())) {
                int told = changed.created().size()
                        + changed.updated().size()
                        + changed.destroyed().size();
                view.changedSinceCompared += Math.max(1, told);
                emailsSynced(changed.newState(), Optional.empty(), true);
            } else if (changed.hasMoreChanges()) {
                throw new ServerException(
                        new ServerFailure.CursorLost("the server has more changes but its state does not move"));
            }
            if (!changed.hasMoreChanges()) {
                return;
            }
        }
        throw new ServerException(new ServerFailure.CursorLost("the server's changes do not end"));
    }

    /**
     * What was asked and what was answered. The emails themselves were not always asked for, or not given.
     *
     * @param ofMailboxes the same as {@code results}, if one request asked for all
     */
    private record ChangesAnswer(
            Optional<MailboxQuestion> mailboxes,
            JmapResults ofMailboxes,
            JmapRequest.Call<ChangesResult> changes,
            Optional<JmapRequest.Call<GetResult<JmapEmail>>> created,
            Optional<JmapRequest.Call<GetResult<JmapEmailState>>> updated,
            JmapResults results) {}

    /**
     * So few changes that their emails fit into the answer are asked for first. A server may refuse that, or have a single
     * change that is more than these.
     */
    private ChangesAnswer askForChanges(String state, boolean first) throws InterruptedException {
        if (first && view.emailsWithChanges && callsMax() >= CALLS_WITH_EMAILS) {
            ServerFailure refusal;
            try {
                ChangesAnswer answer = askForChanges(state, emailsAtOnce(), true);
                Optional<ServerFailure> failure = answer.results().failure(answer.changes());
                if (failure.isEmpty()) {
                    return answer;
                }
                refusal = failure.get();
            } catch (ServerException e) {
                refusal = e.failure();
            }
            boolean askDifferently =
                    refusal instanceof ServerFailure.CursorLost || refusal instanceof ServerFailure.Rejected;
            if (!askDifferently) {
                throw new ServerException(refusal);
            }
            view.emailsWithChanges = refusal instanceof ServerFailure.CursorLost;
        }
        return askForChanges(state, CHANGES_MAX, false);
    }

    private ChangesAnswer askForChanges(String state, int changesMax, boolean withEmails) throws InterruptedException {
        JmapRequest request = new JmapRequest();
        // Somebody waits for the news: the server answers a request's calls one after the other, and two requests
        // beside each other.
        JmapRequest beside = newsExpected ? new JmapRequest() : request;
        Optional<MailboxQuestion> mailboxes =
                view.mailboxState.filter(since -> callsMax() >= CALLS).map(since -> MailboxQuestion.in(beside, since));
        JmapRequest.Call<ChangesResult> changes = request.add(new EmailChanges(state, changesMax));
        Optional<JmapRequest.Call<GetResult<JmapEmail>>> created = withEmails
                ? Optional.of(request.add(new EmailGet(changes.result("/created"), BODIES)))
                : Optional.empty();
        Optional<JmapRequest.Call<GetResult<JmapEmailState>>> updated =
                withEmails ? Optional.of(request.add(new EmailStateGet(changes.result("/updated")))) : Optional.empty();
        if (beside == request || mailboxes.isEmpty()) {
            JmapResults results = Await.of(client.send(request), REQUEST_TIME_MAX, ServerException::unreachable);
            return new ChangesAnswer(mailboxes, results, changes, created, updated, results);
        }
        return Await.of(
                Uni.combine()
                        .all()
                        .unis(client.send(request), client.send(beside))
                        .with((results, ofMailboxes) ->
                                new ChangesAnswer(mailboxes, ofMailboxes, changes, created, updated, results)),
                REQUEST_TIME_MAX, ServerException::unreachable);
    }

    private int callsMax() {
        return client.session().limits().maxCallsInRequest();
    }

    /** How many emails one answer is to hold at most, with their bodies. */
    private int emailsAtOnce() {
        return view.bodiesAtOnce.most(client.session().limits().maxObjectsInGet());
    }

    /** Empty if it is to be asked for once more, by itself: if that fails too, that failure counts. */
    private static <R> Optional<R> given(JmapResults results, JmapRequest.Call<R> call) {
        return results.failure(call).isPresent() ? Optional.empty() : Optional.of(results.get(call));
    }

    /** Created or updated mailboxes come in the same answer as their ids, and of these only what has changed where the server tells. */
    private record MailboxQuestion(
            JmapRequest.Call<ChangesResult> changes,
            JmapRequest.Call<GetResult<JmapMailbox>> created,
            JmapRequest.Call<GetResult<JmapMailboxUpdate>> updated) {
        static MailboxQuestion in(JmapRequest request, String sinceState) {
            JmapRequest.Call<ChangesResult> changes = request.add(new MailboxChanges(sinceState, CHANGES_MAX));
            return new MailboxQuestion(
                    changes,
                    request.add(new MailboxGet(changes.result("/created"))),
                    request.add(new MailboxUpdatesGet(
                            changes.result("/updated"), changes.reference("/updatedProperties"))));
        }
    }

    private MailboxesSeen mailboxChanges(JmapResults results, MailboxQuestion question) throws InterruptedException {
        Optional<ServerFailure> failure = results.failure(question.changes())
                .or(() -> results.failure(question.created()))
                .or(() -> results.failure(question.updated()));
        if (failure.isPresent()) {
            boolean askDifferently = failure.get() instanceof ServerFailure.CursorLost
                    || failure.get() instanceof ServerFailure.Rejected;
            if (!askDifferently) {
                throw new ServerException(failure.get());
            }
            return readMailboxes();
        }
        ChangesResult changes = results.get(question.changes());
        if (changes.hasMoreChanges()) {
            return readMailboxes();
        }
        Map<MailboxKey, ObservedMailbox> seen = new LinkedHashMap<>();
        for (JmapMailbox mailbox : results.get(question.created()).list()) {
            seen.put(MailboxKey.ofId(mailbox.id()), JmapObservations.observed(mailbox));
        }
        for (JmapMailboxUpdate update : results.get(question.updated()).list()) {
            switch (update) {
                case JmapMailboxUpdate.Whole(var mailbox) ->
                    seen.put(MailboxKey.ofId(mailbox.id()), JmapObservations.observed(mailbox));
                case JmapMailboxUpdate.Counts counts -> {
                    MailboxKey key = MailboxKey.ofId(counts.id());
                    ObservedMailbox known = seen.getOrDefault(key, view.mailboxes.get(key));
                    if (known == null) {
                        return readMailboxes();
                    }
                    seen.put(key, JmapObservations.counted(known, counts));
                }
            }
        }
        publishMailboxes(seen.values());
        List<MailboxKey> vanished = changes.destroyed().stream()
                .map(MailboxKey::ofId)
                .filter(view.mailboxes::containsKey)
                .toList();
        return new MailboxesSeen(vanished, changes.newState());
    }

    private void publishChanges(ChangesResult changed, ChangesAnswer answer) throws InterruptedException {
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
        publishExchanged(destroyed, created, answer.created().flatMap(call -> given(answer.results(), call)));
        destroy(publishStatesOfThoseLeft(updated, answer.updated().flatMap(call -> given(answer.results(), call))));
    }

    /** A server that merges threads destroys emails and creates them again under other ids: those are no news but for their thread. */
    private void publishExchanged(Set<String> destroyed, List<String> created, Optional<GetResult<JmapEmail>> given)
            throws InterruptedException {
        Set<String> gone = new LinkedHashSet<>(destroyed);
        if (!gone.isEmpty() && !created.isEmpty()) {
            Map<String, String> newIds = newIds(gone, created);
            for (List<String> chunk : JmapClient.chunks(List.copyOf(newIds.keySet()), ObservationBatch.EMAILS_MAX)) {
                out.add(new Observation.JmapIdsChanged(
                        chunk.stream().collect(Collectors.toMap(Function.identity(), newIds::get))));
            }
            gone.removeAll(newIds.keySet());
        }
        destroy(gone);
        publishEmails(created, given);
    }

    /** By old id the new one. */
    private Map<String, String> newIds(Set<String> destroyed, List<String> created) throws InterruptedException {
        // What is to be known again must be stored.
        out.awaitApplied();
        ReassignedIds exchanged = new ReassignedIds();
        for (List<String> chunk : JmapClient.chunks(List.copyOf(destroyed), STORED_AT_ONCE)) {
            exchanged.destroyed(around.tables().jmapMarks(claim.tenantId(), claim.accountId(), chunk));
        }
        if (!exchanged.isNoneDestroyed()) {
            getAll(created, view.statesAtOnce, EmailMarksGet::new, (asked, got) -> exchanged.created(got.list()));
        }
        return exchanged.newIds();
    }

    // ---- A second look

    /** At what was looked at already. No cursor follows from it. */
    private void lookAgain(String since) throws InterruptedException {
        out.awaitApplied();
        String state = since;
        for (int page = 0; page < CHANGES_PAGES_MAX; page++) {
            ChangesResult changed;
            try {
                changed = ask(new EmailChanges(state, CHANGES_MAX));
            } catch (ServerException e) {
                if (e.failure() instanceof ServerFailure.CursorLost) {
                    // It knows that state no more: the counts and the daily comparison are left.
                    return;
                }
                throw e;
            }
            publishLeftOut(changed);
            if (!changed.hasMoreChanges() || changed.newState().equals(state)) {
                return;
            }
            state = changed.newState();
        }
    }

    /** What is not stored as the server has it. */
    private void publishLeftOut(ChangesResult changed) throws InterruptedException {
        Set<String> named = new LinkedHashSet<>(changed.created());
        named.addAll(changed.updated());
        Map<String, EmailStateObserved> stored = storedStates(named);
        List<String> created =
                named.stream().filter(id -> !stored.containsKey(id)).toList();
        Set<String> gone = new LinkedHashSet<>(storedStates(changed.destroyed()).keySet());
        gone.addAll(publishWhatDiffers(stored));
        publishExchanged(gone, created, Optional.empty());
    }

    /** @return those that the server does not have any more */
    private Set<String> publishWhatDiffers(Map<String, EmailStateObserved> stored) throws InterruptedException {
        Set<String> gone = new LinkedHashSet<>();
        List<String> updated = new ArrayList<>();
        getAll(List.copyOf(stored.keySet()), view.statesAtOnce, EmailStateGet::new, (asked, got) -> {
            List<JmapEmailState> others = got.list().stream()
                    .filter(email -> !JmapObservations.state(email).equals(stored.get(email.id())))
                    .toList();
            others.forEach(email -> updated.add(email.id()));
            gone.addAll(publishStates(asked, new GetResult<>(got.state(), others, got.notFound())));
        });
        if (!updated.isEmpty() || !gone.isEmpty()) {
            LOG.infof(
                    "account %s: compared: %d emails were other than stored, %d were gone",
                    claim.accountId(), updated.size(), gone.size());
        }
        return gone;
    }

    private Map<String, EmailStateObserved> storedStates(Collection<String> ids) throws InterruptedException {
        return ids.isEmpty() ? Map.of() : around.tables().jmapStates(claim.tenantId(), claim.accountId(), ids);
    }

    // ---- Without a cursor

    /**
     * Compares everything by id. The state is taken first, so what changes meanwhile is among the changes since it. What is
     * stored is asked for by name, then all ids of the server are gone through for what is not stored. Only of emails that the
     * server does not have any more, and of new ones while there are such, are all ids kept in memory; and these are said to be
     * destroyed only when the enumeration has ended.
     */
    private void reconcile() throws InterruptedException {
        String state = emailState();
        refreshMailboxes();
        out.awaitApplied();
        view.changedSinceCompared = 0;
        Set<String> went = new LinkedHashSet<>();
        List<String> came = new ArrayList<>();
        try (Permit turn = new Permit(around.manyIds())) {
            for (List<String> stored = stored(""); !stored.isEmpty(); stored = stored(stored.getLast())) {
                went.addAll(publishWhatDiffers(storedStates(stored)));
                turn.takeIf(went.size() > FEW_IDS);
            }
            JmapIdPages pages = new JmapIdPages(this::idPage, Optional.empty());
            for (List<String> page = pages.next(); !page.isEmpty(); page = pages.next()) {
                if (around.clock().instant().isAfter(now.plus(COMPARISON_TIME_MAX))) {
                    throw new ServerException(new ServerFailure.Unreachable(
                            "the server's ids did not end within " + COMPARISON_TIME_MAX.toMinutes() + " min"));
                }
                List<String> unknown = withoutStored(page);
                if (went.isEmpty() || came.size() > CAME_MAX) {
                    publishEmails(unknown, Optional.empty());
                } else {
                    came.addAll(unknown);
                    turn.takeIf(came.size() > FEW_IDS);
                }
            }
            publishExchanged(went, came, Optional.empty());
        }
        emailsSynced(state, Optional.empty(), true);
    }

    private List<String> stored(String after) throws InterruptedException {
        return around.tables().jmapIds(claim.tenantId(), claim.accountId(), after, STORED_AT_ONCE);
    }

    private List<String> withoutStored(List<String> page) throws InterruptedException {
        Set<String> stored = around.tables().jmapMarks(claim.tenantId(), claim.accountId(), page).stream()
                .map(EmailMarks::id)
                .collect(Collectors.toSet());
        return page.stream().filter(id -> !stored.contains(id)).toList();
    }

    // ---- Emails

    /**
     * Emails with all that is kept of them. Those that are gone meanwhile are said to be destroyed.
     *
     * @param given them, if they have been fetched already
     */
    private void publishEmails(List<String> ids, Optional<GetResult<JmapEmail>> given) throws InterruptedException {
        if (given.isPresent()) {
            publishEmails(ids, given.get());
        } else {
            try (PagedGet<GetResult<JmapEmail>> emails = emailGet()) {
                emails.ask(ids);
                emails.end();
            }
        }
    }

    private PagedGet<GetResult<JmapEmail>> emailGet() {
        return new PagedGet<>(client, view.bodiesAtOnce, ids -> new EmailGet(ids, BODIES), this::publishEmails);
    }

    private void publishEmails(List<String> ids, GetResult<JmapEmail> got) throws InterruptedException {
        Set<String> wanted = Set.copyOf(ids);
        List<JmapEmail> emails =
                got.list().stream().filter(email -> wanted.contains(email.id())).toList();
        Set<String> in = new HashSet<>();
        emails.forEach(email -> in.addAll(email.mailboxIds()));
        knowMailboxes(in);
        for (JmapEmail email : emails) {
            out.add(JmapObservations.observed(email));
        }
        destroy(got.notFound().stream().filter(wanted::contains).toList());
    }

    /**
     * What can change of emails that are known.
     *
     * @param given it, if it has been fetched already
     * @return those that the server does not have any more
     */
    private Set<String> publishStatesOfThoseLeft(List<String> ids, Optional<GetResult<JmapEmailState>> given)
            throws InterruptedException {
        Set<String> gone = new LinkedHashSet<>();
        if (given.isPresent()) {
            gone.addAll(publishStates(ids, given.get()));
        } else {
            getAll(ids, view.statesAtOnce, EmailStateGet::new, (asked, got) -> gone.addAll(publishStates(asked, got)));
        }
        return gone;
    }

    private List<String> publishStates(List<String> ids, GetResult<JmapEmailState> got) throws InterruptedException {
        Set<String> wanted = Set.copyOf(ids);
        List<JmapEmailState> emails =
                got.list().stream().filter(email -> wanted.contains(email.id())).toList();
        Set<String> in = new HashSet<>();
        emails.forEach(email -> in.addAll(email.mailboxIds()));
        knowMailboxes(in);
        for (JmapEmailState email : emails) {
            out.add(JmapObservations.state(email));
        }
        return got.notFound().stream().filter(wanted::contains).toList();
    }

    private <R> void getAll(
            List<String> ids, GetSizeLimit atOnce, Function<Ids, JmapMethod<R>> get, PagedGet.Use<R> use)
            throws InterruptedException {
        try (PagedGet<R> all = new PagedGet<>(client, atOnce, get, use)) {
            all.ask(ids);
            all.end();
        }
    }

    private void destroy(Collection<String> ids) throws InterruptedException {
        for (List<String> chunk : JmapClient.chunks(List.copyOf(ids), ObservationBatch.EMAILS_MAX)) {
            out.add(new Observation.EmailsDestroyed(chunk));
        }
    }

    private void emailsSynced(String state, Optional<String> anchor, boolean firstRunEnded)
            throws InterruptedException {
        Instant got = around.clock().instant();
        view.secondLook = view.secondLook.map(second -> second.got(state, got));
        Cursor.Jmap cursor = new Cursor.Jmap(
                state,
                anchor,
                firstRunEnded,
                view.secondLook.map(second -> new Cursor.Jmap.Unsettled(second.base(), view.changedSinceCompared)));
        view.emails = Optional.of(cursor);
        out.add(new Observation.ScopeSynced(SyncScope.JMAP_EMAIL, cursor));
    }

    // ---- Mailboxes

    /**
     * Those that are there have been published, those that are gone not yet: the emails that were in them are first said to
     * be elsewhere. The state follows at the very end.
     */
    private record MailboxesSeen(List<MailboxKey> vanished, String state) {}

    /** An email may be in a mailbox that was made after we last asked: the mailbox is then published before it. */
    private void knowMailboxes(Set<String> ids) throws InterruptedException {
        boolean unknown = false;
        for (String id : ids) {
            // Asked for once: a server may name a mailbox that it does not show.
            unknown |= !view.mailboxes.containsKey(MailboxKey.ofId(id)) && notShown.add(id);
        }
        if (unknown) {
            refreshMailboxes();
        }
    }

    private void refreshMailboxes() throws InterruptedException {
        end(readMailboxes());
    }

    private MailboxesSeen readMailboxes() throws InterruptedException {
        GetResult<JmapMailbox> all = ask(new MailboxGet(Ids.all()));
        List<ObservedMailbox> seen =
                all.list().stream().map(JmapObservations::observed).toList();
        publishMailboxes(seen);
        Set<MailboxKey> keys = new HashSet<>();
        seen.forEach(mailbox -> keys.add(mailbox.key()));
        // No account is without any mailbox; a server that says so is mistaken.
        List<MailboxKey> vanished = seen.isEmpty()
                ? List.of()
                : view.mailboxes.keySet().stream()
                        .filter(key -> !keys.contains(key))
                        .toList();
        return new MailboxesSeen(vanished, all.state());
    }

    private void end(MailboxesSeen seen) throws InterruptedException {
        for (MailboxKey key : seen.vanished()) {
            out.add(new Observation.MailboxVanished(key));
            view.mailboxes.remove(key);
            again = true;
        }
        if (!view.mailboxState.equals(Optional.of(seen.state()))) {
            view.mailboxState = Optional.of(seen.state());
            out.add(new Observation.ScopeSynced(
                    SyncScope.JMAP_MAILBOX, new Cursor.Jmap(seen.state(), Optional.empty(), true)));
        }
    }

    private void publishMailboxes(Collection<ObservedMailbox> seen) throws InterruptedException {
        for (ObservedMailbox mailbox : JmapSyncState.parentsFirst(seen)) {
            if (!mailbox.equals(view.mailboxes.get(mailbox.key()))) {
                out.add(new Observation.MailboxObserved(mailbox));
                view.mailboxes.put(mailbox.key(), mailbox);
            }
        }
    }

    private <R> R ask(JmapMethod<R> method) throws InterruptedException {
        return Await.of(client.call(method), REQUEST_TIME_MAX, ServerException::unreachable);
    }
}
