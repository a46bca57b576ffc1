package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.PushKind;
import org.postbus.fetcher.imap.gmail.GmailLabels;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.imap.message.PoisonMessages;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.Restarts;
import org.postbus.fetcher.source.ServerDeviations;
import org.postbus.fetcher.source.Sessions;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.fetcher.store.Claim;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.observation.ObservedMailbox;

/**
 * An account over IMAP: one connection for the passes and one for the watcher ({@link ImapWatcher}), never more. Where the provider's
 * connections are scarce, that of the passes is closed between them.
 *
 * <p>Where {@link ImapPass#BULK_MESSAGES} messages or more are to be read, the connection of the passes is compressed (RFC 4978) and closed when
 * they have been read: compression costs 300 KB of memory and cannot be ended. Text shrinks to a third but costs CPU time on both sides, so by
 * default only connections with TLS to another machine are compressed.
 *
 * <p>The connection of the passes is replaced when it is old, and when its LIST contradicts what is known ({@link Sessions}): nothing follows
 * from a missing mailbox before a fresh session has missed it too.
 */
public final class ImapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);
    /** What is kept of a mailbox between passes. */
    private static final long MAILBOX_BYTES = 1000;

    private static final Logger LOG = Logger.getLogger(ImapSource.class);

    private final ImapAccount account;
    private final AccountSettings.Imap settings;
    private final Credential credential;
    private final FetcherContext context;
    /** The first pass checks every mailbox, and so does one that follows another because messages vanished. */
    private boolean everythingNext = true;
    /** Of the open connection, as counted. */
    private long strayLines;

    private Optional<Open> open = Optional.empty();
    /** Raw names of mailboxes that a fresh session listed and gave no STATUS of. */
    private Set<String> believedWithoutStatus = Set.of();

    private boolean seenOutdated;
    private volatile MailboxName idleOn = MailboxName.INBOX;
    private volatile ImapWatcher watcher;
    private volatile Thread watcherThread;

    /**
     * @param mailboxes counts the account's mailboxes in memory: their number is the server's choice
     * @param share from 0 to below 1: how much earlier than others of the same age it is replaced
     */
    private record Open(
            ImapConnection connection,
            HostBudget.Permit permit,
            Optional<HostBudget.Permit> compression,
            HeldBytes.Share mailboxes,
            Instant since,
            double share) {

        void close() {
            connection.close();
            permit.close();
            compression.ifPresent(HostBudget.Permit::close);
        }
    }

    private ImapSource(ImapAccount account, AccountSettings.Imap settings, Credential credential) {
        this.account = account;
        this.settings = settings;
        this.credential = credential;
        this.context = account.context();
    }

    /**
     * Connects and logs in.
     *
     * @param poisonMessages outlives the source: messages that broke an earlier connection
     */
    public static ImapSource open(
            Claim claim,
            AccountSettings.Imap settings,
            Credential credential,
            PoisonMessages poisonMessages,
            FetcherContext context)
            throws InterruptedException {
        ImapSource source = new ImapSource(ImapAccount.of(claim, context, poisonMessages), settings, credential);
        source.idleOn = source.mailboxToWatch(source.connection());
        return source;
    }

    private ImapConnection connection() throws InterruptedException {
        if (open.isEmpty()) {
            HostBudget.Permit permit = context.hosts().connectionPermit(who(), host());
            try {
                ImapConnection connection = connect();
                open = Optional.of(new Open(
                        connection,
                        permit,
                        Optional.empty(),
                        connection.keeping(),
                        context.clock().instant(),
                        context.random().nextDouble()));
                strayLines = 0;
            } finally {
                if (open.isEmpty()) {
                    permit.close();
                }
            }
        }
        return open.get().connection();
    }

    private ImapConnection connect() throws InterruptedException {
        return context.hosts()
                .login(
                        who(),
                        host(),
                        () -> Await.of(
                                context.imap()
                                        .open(
                                                settings.imap(),
                                                settings.username(),
                                                credential,
                                                context.hosts().loginPermit(host())),
                                OPEN_TIME_MAX,
                                ServerException::unreachable));
    }

    private void compress() throws InterruptedException {
        Open plain = open.orElseThrow();
        if (plain.compression().isPresent() || !context.imap().compressionPays(plain.connection(), settings.imap())) {
            return;
        }
        Optional<HostBudget.Permit> permit = context.hosts().compressionPermit(who());
        if (permit.isPresent()) {
            open = Optional.of(new Open(
                    plain.connection(), plain.permit(), permit, plain.mailboxes(), plain.since(), plain.share()));
            Await.of(plain.connection().compress(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable);
        }
    }

    private HostBudget.Who who() {
        return HostBudget.Who.of(account.claim());
    }

    private String host() {
        return settings.imap().host();
    }

    private MailboxName mailboxToWatch(ImapConnection connection) {
        Stream<ObservedMailbox> mailboxes =
                account.mailboxes().values().stream().map(ImapMailbox::observed);
        return GmailLabels.allMail(connection.capabilities(), mailboxes).orElse(MailboxName.INBOX);
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, PassRequest request) throws InterruptedException {
        ImapWatcher watching = watcher;
        DirtyMailboxes dirty = watching == null ? DirtyMailboxes.NONE : watching.takeDirty();
        boolean everything = request.full() || request.requested() || everythingNext;
        ImapPass.Scope scope = new ImapPass.Scope(request, everything, dirty);
        StatusRounds.Round round = list(scope);
        PassOutcome outcome = new ImapPass(account, connection(), this::compress, out, scope, round).run();
        open.ifPresent(
                now -> now.mailboxes().set(MAILBOX_BYTES * account.mailboxes().size()));
        everythingNext = outcome.again();
        context.deviations().set(account.claim().accountId(), account.notRead());
        long stray = connection().strayLines();
        context.deviations().strayLines(stray - strayLines);
        strayLines = stray;
        idleOn = mailboxToWatch(connection());
        boolean compressed = open.flatMap(Open::compression).isPresent();
        if (!outcome.again() && (compressed || context.hosts().isContended(host()))) {
            closeConnection();
        }
        return outcome;
    }

    /** The mailboxes as a session lists them that is believed. */
    private StatusRounds.Round list(ImapPass.Scope scope) throws InterruptedException {
        Instant now = context.clock().instant();
        Optional<Set<String>> byOldSession = Optional.empty();
        if (isOld(now)) {
            byOldSession = Optional.of(names(connection()));
            closeConnection();
        }
        StatusRounds.Round round = check(scope);
        if (byOldSession.isPresent()) {
            seenOutdated = !byOldSession.get().equals(round.names());
            renewed(seenOutdated ? Sessions.Renewal.OUTDATED : Sessions.Renewal.AGE);
        } else if (round.contradicts(account.mailboxes().values(), believedWithoutStatus) && !isFresh(now)) {
            closeConnection();
            renewed(Sessions.Renewal.CONTRADICTION);
            round = check(scope);
        }
        if (isFresh(now)) {
            believedWithoutStatus = round.withoutStatus();
        }
        return round;
    }

    private StatusRounds.Round check(ImapPass.Scope scope) throws InterruptedException {
        return account.statusRounds().check(connection(), account.mailboxes().values(), scope);
    }

    private boolean isOld(Instant now) {
        return open.filter(session -> !session.since()
                        .plus(context.sessions().lifetime(seenOutdated, session.share()))
                        .isAfter(now))
                .isPresent();
    }

    private boolean isFresh(Instant now) {
        return open.filter(session ->
                        session.since().plus(context.sessions().fresh()).isAfter(now))
                .isPresent();
    }

    private void renewed(Sessions.Renewal reason) {
        context.sessions().renewed().accept(reason);
        LOG.debugf("account %s: the session is replaced: %s", account.claim().accountId(), reason.metricName());
    }

    private static Set<String> names(ImapConnection connection) throws InterruptedException {
        return Await.of(
                        connection.list(unwanted -> false),
                        MailboxSession.COMMAND_TIME_MAX,
                        ServerException::unreachable)
                .stream()
                .map(listed -> listed.name().raw())
                .collect(Collectors.toSet());
    }

    private void closeConnection() {
        open.ifPresent(Open::close);
        open = Optional.empty();
    }

    @Override
    public void watch(WakeSignal wakes) {
        ImapWatcher watching = new ImapWatcher(account.claim(), host(), context, this::connect, () -> idleOn, wakes);
        watcher = watching;
        watcherThread = Thread.ofVirtual()
                .name("watch-" + account.claim().accountId())
                .start(new Restarts(
                        "the watcher of account " + account.claim().accountId(),
                        watching,
                        context.loopDied(),
                        context.random()));
    }

    @Override
    public PushKind push() {
        ImapWatcher watching = watcher;
        return watching == null ? PushKind.POLL : watching.push();
    }

    @Override
    public Optional<Instant> nextTry() {
        return account.nextTry();
    }

    @Override
    public void close() {
        context.deviations().set(account.claim().accountId(), ServerDeviations.Counts.NONE);
        Thread watching = watcherThread;
        if (watching != null) {
            watching.interrupt();
        }
        closeConnection();
    }
}
