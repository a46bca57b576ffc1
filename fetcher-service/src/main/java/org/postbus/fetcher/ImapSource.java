package org.postbus.fetcher;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.event.MailboxKey;
import org.postbus.event.PushKind;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.ImapConnection;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.imap.WatchOutcome;

/**
 * An account over IMAP: one connection that passes run on and, where the server has IDLE, a second one that watches the
 * inbox. IDLE only wakes the loop; what happened, the pass finds out.
 */
final class ImapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);
    private static final Duration SELECT_TIME_MAX = Duration.ofMinutes(1);
    // Networks forget a quiet connection after some minutes, RFC 2177 says 29; drawn evenly, so that the connections of
    // many accounts do not stir at the same moment.
    private static final Duration IDLE_MIN = Duration.ofMinutes(4);
    private static final Duration IDLE_MAX = Duration.ofMinutes(9);
    private static final Logger LOG = Logger.getLogger(ImapSource.class);

    private final Claim claim;
    private final AccountSettings.Imap settings;
    private final Secret password;
    private final Surroundings around;
    private final ImapConnection connection;
    private final Map<MailboxKey, ImapMailbox> mailboxes = new LinkedHashMap<>();
    private final AtomicBoolean inboxStirred = new AtomicBoolean();
    private volatile PushKind push = PushKind.POLL;
    private volatile Thread watcher;

    private ImapSource(
            Claim claim,
            AccountSettings.Imap settings,
            Secret password,
            Surroundings around,
            ImapConnection connection) {
        this.claim = claim;
        this.settings = settings;
        this.password = password;
        this.around = around;
        this.connection = connection;
        for (KnownMailbox mailbox : claim.mailboxes()) {
            mailboxes.put(
                    mailbox.observed().key(),
                    new ImapMailbox(mailbox.observed(), mailbox.cursor(), OptionalLong.of(mailbox.messages())));
        }
    }

    static ImapSource open(Claim claim, AccountSettings.Imap settings, Secret password, Surroundings around)
            throws InterruptedException {
        return new ImapSource(claim, settings, password, around, connect(settings, password, around));
    }

    private static ImapConnection connect(AccountSettings.Imap settings, Secret password, Surroundings around)
            throws InterruptedException {
        return around.logins()
                .login(
                        settings.imap().host(),
                        () -> Await.server(
                                around.imap()
                                        .open(settings.imap(), settings.username(), new Credential.Password(password)),
                                OPEN_TIME_MAX));
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, boolean full, Instant now) throws InterruptedException {
        boolean stirred = inboxStirred.getAndSet(false);
        return new ImapPass(claim, around, connection, mailboxes, out, full, stirred, now).run();
    }

    @Override
    public void watch(WakeSignal wakes) {
        if (connection.capabilities().has("IDLE")) {
            watcher = Thread.ofVirtual().name("idle-" + claim.accountId()).start(() -> watchUntilInterrupted(wakes));
        }
    }

    private void watchUntilInterrupted(WakeSignal wakes) {
        int failures = 0;
        try {
            while (true) {
                Instant began = around.clock().instant();
                try {
                    idle(wakes);
                } catch (ServerException e) {
                    boolean lived = began.plus(IDLE_MIN).isBefore(around.clock().instant());
                    failures = lived ? 1 : failures + 1;
                    LOG.debugf(
                            "account %s: IDLE broke: %s",
                            claim.accountId(), e.failure().text());
                }
                push = PushKind.POLL;
                Thread.sleep(Backoff.delay(
                        failures, java.util.Optional.empty(), around.random().nextDouble()));
            }
        } catch (InterruptedException closed) {
            push = PushKind.POLL;
        }
    }

    /** Until the connection breaks. */
    private void idle(WakeSignal wakes) throws InterruptedException {
        ImapConnection watching = connect(settings, password, around);
        try {
            Await.server(watching.select(MailboxName.INBOX, true), SELECT_TIME_MAX);
            push = PushKind.IDLE;
            // Whatever came before this connection stood was not announced to it.
            wakes.wake(WakeKind.PUSH);
            while (true) {
                Duration time = IDLE_MIN.plusMillis((long)
                        (IDLE_MAX.minus(IDLE_MIN).toMillis() * around.random().nextDouble()));
                WatchOutcome outcome = Await.server(watching.watch(time), time.plusMinutes(2));
                switch (outcome) {
                    case CHANGED -> {
                        watching.takeChanges();
                        inboxStirred.set(true);
                        wakes.wake(WakeKind.PUSH);
                    }
                    case TIME_UP -> watching.takeChanges();
                }
            }
        } finally {
            watching.close();
        }
    }

    @Override
    public PushKind push() {
        return push;
    }

    @Override
    public void close() {
        Thread watching = watcher;
        if (watching != null) {
            watching.interrupt();
        }
        connection.close();
    }
}
