package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.mail.ServerException;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.event.MailboxKey;
import org.postbus.event.PushKind;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.MailboxName;

/**
 * An account over IMAP: one connection that passes run on, and one that watches ({@link ImapWatcher}); no more than these two. Where
 * the provider's connections are scarce, that of the passes is given up between them.
 */
public final class ImapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);

    private final Claim claim;
    private final AccountSettings.Imap settings;
    private final Credential credential;
    private final FetcherContext around;
    private final PoisonMessages suspects;
    private final Map<MailboxKey, ImapMailbox> mailboxes = new LinkedHashMap<>();
    private final StatusRounds rounds;
    private final FullComparison comparison;
    /** Whether the next pass must look at every mailbox: the first one, and who follows one that found something gone. */
    private boolean everythingNext = true;

    private final AtomicBoolean resyncTellsFlags = new AtomicBoolean();
    private final Set<String> unlistedLabels = new HashSet<>();
    private Optional<Open> open = Optional.empty();
    private volatile MailboxName idleOn = MailboxName.INBOX;
    private volatile ImapWatcher watch;
    private volatile Thread watcher;

    private record Open(ImapConnection connection, HostBudget.Place place, Optional<HostBudget.Place> compressed) {
        void close() {
            connection.close();
            place.close();
            compressed.ifPresent(HostBudget.Place::close);
        }
    }

    private ImapSource(
            Claim claim, AccountSettings.Imap settings, Credential credential, PoisonMessages suspects, FetcherContext around) {
        this.suspects = suspects;
        this.claim = claim;
        this.settings = settings;
        this.credential = credential;
        this.around = around;
        this.rounds = new StatusRounds(around.poll());
        this.comparison = new FullComparison(claim.accountId(), around.compareEvery());
        for (MailboxSnapshot mailbox : claim.mailboxes()) {
            mailboxes.put(mailbox.observed().key(), ImapMailbox.known(mailbox));
        }
    }

    /** @param suspects outlives the source: what broke a connection is known to the next */
    public static ImapSource open(
            Claim claim, AccountSettings.Imap settings, Credential credential, PoisonMessages suspects, FetcherContext around)
            throws InterruptedException {
        ImapSource source = new ImapSource(claim, settings, credential, suspects, around);
        source.idleOn = GmailLabels.mostTelling(source.connection().capabilities(), source.mailboxes.values());
        return source;
    }

    private ImapConnection connection() throws InterruptedException {
        if (open.isEmpty()) {
            HostBudget.Place place = around.hosts().place(host());
            try {
                open = Optional.of(new Open(connect(), place, Optional.empty()));
            } finally {
                if (open.isEmpty()) {
                    place.close();
                }
            }
        }
        return open.get().connection();
    }

    private ImapConnection connect() throws InterruptedException {
        return around.hosts()
                .login(
                        host(),
                        () -> Await.of(
                                around.imap()
                                        .open(
                                                settings.imap(),
                                                settings.username(),
                                                credential,
                                                around.hosts().loginTurn(host())),
                                OPEN_TIME_MAX, ServerException::unreachable));
    }

    /** Much is about to be read. The connection ends with the passes that read it: compression costs memory and cannot be ended. */
    private void compress() throws InterruptedException {
        Open plain = open.orElseThrow();
        if (plain.compressed().isPresent() || !around.imap().compressionPays(plain.connection(), settings.imap())) {
            return;
        }
        Optional<HostBudget.Place> place = around.hosts().placeToCompress();
        if (place.isPresent()) {
            open = Optional.of(new Open(plain.connection(), plain.place(), place));
            Await.of(plain.connection().compress(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable);
        }
    }

    private String host() {
        return settings.imap().host();
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, boolean full, boolean everything, Instant now)
            throws InterruptedException {
        ImapWatcher watching = watch;
        Set<String> stirred = watching == null ? Set.of() : watching.takeStirred();
        boolean all = full || everything || everythingNext;
        PassOutcome outcome = new ImapPass(
                        claim,
                        around,
                        connection(),
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
                        stirred,
                        now)
                .run();
        everythingNext = outcome.again();
        idleOn = GmailLabels.mostTelling(connection().capabilities(), mailboxes.values());
        boolean compressed = open.flatMap(Open::compressed).isPresent();
        if (!outcome.again() && (compressed || around.hosts().isWaitedFor(host()))) {
            open.ifPresent(Open::close);
            open = Optional.empty();
        }
        return outcome;
    }

    @Override
    public void watch(WakeSignal wakes) {
        ImapWatcher watching = new ImapWatcher(claim.accountId(), host(), around, this::connect, () -> idleOn, wakes);
        watch = watching;
        watcher = Thread.ofVirtual().name("watch-" + claim.accountId()).start(watching);
    }

    @Override
    public PushKind push() {
        ImapWatcher watching = watch;
        return watching == null ? PushKind.POLL : watching.push();
    }

    @Override
    public void close() {
        Thread watching = watcher;
        if (watching != null) {
            watching.interrupt();
        }
        open.ifPresent(Open::close);
        open = Optional.empty();
    }
}
