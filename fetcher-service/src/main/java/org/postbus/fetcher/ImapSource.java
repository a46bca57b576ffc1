package org.postbus.fetcher;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.event.MailboxKey;
import org.postbus.event.PushKind;
import org.postbus.mail.imap.ImapConnection;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.imap.SelectedMailbox;

/**
 * An account over IMAP, on one connection: passes run on it, and between them it waits for news ({@link ImapWatch}). Where the
 * provider's connections are scarce and too many wait already, it is given up between passes.
 */
final class ImapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);
    /** A connection that has waited so long before it broke was none that breaks at once. */
    private static final Duration LIVED = Duration.ofMinutes(4);

    private final Claim claim;
    private final AccountSettings.Imap settings;
    private final Credential credential;
    private final Surroundings around;
    private final Suspects suspects;
    private final Map<MailboxKey, ImapMailbox> mailboxes = new LinkedHashMap<>();
    private final StatusRounds rounds;
    private final FullComparison comparison;
    /** Whether the next pass must look at every mailbox: the first one, and who follows one that found something gone. */
    private boolean everythingNext = true;

    /** While it is read for the first time news do not matter. */
    private boolean initialDone;

    private final AtomicBoolean resyncTellsFlags = new AtomicBoolean();
    private final Set<String> unlistedLabels = new HashSet<>();
    private Optional<Open> open = Optional.empty();
    /** To keep the connection between passes. */
    private Optional<HostBudget.Place> placeToWatch = Optional.empty();

    private PushKind push = PushKind.POLL;
    private Instant watchedSince = Instant.EPOCH;
    private Instant watchAgainAt = Instant.EPOCH;
    private int watchFailures;

    private record Open(
            ImapConnection connection, ImapWatch watch, HostBudget.Place place, Optional<HostBudget.Place> compressed) {
        void close() {
            watch.end();
            connection.close();
            place.close();
            compressed.ifPresent(HostBudget.Place::close);
        }
    }

    private ImapSource(
            Claim claim, AccountSettings.Imap settings, Credential credential, Suspects suspects, Surroundings around) {
        this.suspects = suspects;
        this.claim = claim;
        this.settings = settings;
        this.credential = credential;
        this.around = around;
        this.initialDone = claim.initialDone();
        this.rounds = new StatusRounds(around.poll());
        this.comparison = new FullComparison(claim.accountId(), around.compareEvery());
        for (KnownMailbox mailbox : claim.mailboxes()) {
            mailboxes.put(mailbox.observed().key(), ImapMailbox.known(mailbox));
        }
    }

    /** @param suspects outlives the source: what broke a connection is known to the next */
    static ImapSource open(
            Claim claim, AccountSettings.Imap settings, Credential credential, Suspects suspects, Surroundings around)
            throws InterruptedException {
        ImapSource source = new ImapSource(claim, settings, credential, suspects, around);
        source.open();
        return source;
    }

    private Open open() throws InterruptedException {
        if (open.isEmpty()) {
            HostBudget.Place place = around.hosts().place(host());
            try {
                ImapConnection connection = around.hosts()
                        .login(
                                host(),
                                () -> Await.server(
                                        around.imap().open(settings.imap(), settings.username(), credential),
                                        OPEN_TIME_MAX));
                open = Optional.of(new Open(
                        connection, new ImapWatch(claim.accountId(), around, connection), place, Optional.empty()));
            } finally {
                if (open.isEmpty()) {
                    place.close();
                }
            }
        }
        return open.get();
    }

    private void disconnect() {
        open.ifPresent(Open::close);
        open = Optional.empty();
    }

    /** Much is about to be read. The connection ends with the passes that read it: compression costs memory and cannot be ended. */
    private void compress() throws InterruptedException {
        Open plain = open.orElseThrow();
        if (plain.compressed().isPresent() || !around.imap().compressionPays(plain.connection(), settings.imap())) {
            return;
        }
        Optional<HostBudget.Place> place = around.hosts().placeToCompress();
        if (place.isPresent()) {
            open = Optional.of(new Open(plain.connection(), plain.watch(), plain.place(), place));
            Await.server(plain.connection().compress(), ImapVisit.COMMAND_TIME_MAX);
        }
    }

    private String host() {
        return settings.imap().host();
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, boolean full, boolean everything, Instant now)
            throws InterruptedException {
        endWatch(now);
        Open current = open();
        if (initialDone) {
            current.watch().announceAll();
        }
        boolean all = full || everything || everythingNext;
        PassOutcome outcome = new ImapPass(
                        claim,
                        around,
                        current.connection(),
                        this::compress,
                        mailboxes,
                        suspects,
                        resyncTellsFlags,
                        unlistedLabels,
                        out,
                        full,
                        rounds,
                        comparison,
                        all,
                        current.watch().takeStirred(),
                        now)
                .run();
        everythingNext = outcome.again();
        initialDone |= outcome.initialRunEnded();
        if (!outcome.again() && open.flatMap(Open::compressed).isPresent()) {
            disconnect();
        }
        return outcome;
    }

    /** One that broke is tried again later and later; meanwhile the account is polled. */
    private void endWatch(Instant now) {
        open.ifPresent(current -> current.watch().end());
        if (open.filter(current -> current.watch().isBroken()).isPresent()) {
            disconnect();
            watchFailures = watchedSince.plus(LIVED).isBefore(now) ? 1 : watchFailures + 1;
            watchAgainAt = now.plus(Backoff.delay(
                    watchFailures, Optional.empty(), around.random().nextDouble()));
        }
    }

    @Override
    public void watch(WakeSignal wakes) throws InterruptedException {
        push = PushKind.POLL;
        Instant now = around.clock().instant();
        boolean possible = open.isEmpty() || ImapWatch.isPossible(open.get().connection());
        if (!possible || watchAgainAt.isAfter(now) || !mayKeepConnection()) {
            if (around.hosts().isWaitedFor(host())) {
                disconnect();
            }
            return;
        }
        boolean fresh = open.isEmpty();
        Open current = open();
        if (current.watch().announceAll() || fresh) {
            // Whatever happened before was not announced.
            wakes.wake(WakeKind.PUSH);
        }
        MailboxName idleOn = Labels.mostTelling(current.connection().capabilities(), mailboxes.values());
        push = current.watch().begin(idleOn, this::isNews, wakes);
        watchedSince = now;
    }

    private boolean mayKeepConnection() {
        if (placeToWatch.isEmpty()) {
            placeToWatch = around.hosts().placeToWatch(host());
        }
        return placeToWatch.isPresent();
    }

    /** Whether a mailbox may not be what the last pass knew. */
    private boolean isNews(SelectedMailbox selected) {
        return mailboxes.values().stream()
                .filter(mailbox -> mailbox.observed
                        .rawName()
                        .equals(Optional.of(selected.name().raw())))
                .anyMatch(mailbox -> !mailbox.isAsKnown(selected)
                        && mailbox.looksAgain(around.clock().instant()));
    }

    @Override
    public PushKind push() {
        return push;
    }

    @Override
    public void close() {
        disconnect();
        placeToWatch.ifPresent(HostBudget.Place::close);
    }
}
