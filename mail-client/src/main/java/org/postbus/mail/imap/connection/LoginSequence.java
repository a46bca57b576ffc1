package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Uni;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.sasl.SaslConversation;
import org.postbus.mail.imap.session.ImapSession;
import org.postbus.mail.imap.session.ImapSessionState;

/**
 * From the connected socket to a connection that can be used: greeting, STARTTLS if so set, CAPABILITY, the best login that the
 * server offers, CAPABILITY again, ID, ENABLE.
 */
final class LoginSequence {
    /** Our ID (RFC 2971); some providers require it before they offer all extensions. */
    private static final Map<String, String> OUR_ID = ourId();

    private final ImapWire wire;
    private final ImapSession session;
    private final ServerAddress address;
    private final String username;
    private final Credential credential;
    private final Uni<Void> permit;

    /** @param permit waited for before the credential is sent */
    LoginSequence(ImapWire wire, ServerAddress address, String username, Credential credential, Uni<Void> permit) {
        this.wire = wire;
        this.session = wire.session();
        this.address = address;
        this.username = username;
        this.credential = credential;
        this.permit = permit;
    }

    private static Map<String, String> ourId() {
        Map<String, String> id = new LinkedHashMap<>();
        id.put("name", "Postbus");
        id.put("version", "0.1");
        return id;
    }

    Uni<Void> run() {
        return wire.greeted()
                .chain(() -> address.tls() == TlsMode.STARTTLS ? startTls() : done())
                .chain(() -> session.server().capabilitiesKnown() ? done() : askCapabilities())
                .chain(() -> loggedIn() ? done() : authenticate())
                .chain(() -> session.server().capabilitiesKnown() ? done() : askCapabilities())
                .chain(() -> introduce())
                .chain(() -> enable());
    }

    private boolean loggedIn() {
        return !(session.state() instanceof ImapSessionState.NotAuthenticated);
    }

    private Uni<Void> askCapabilities() {
        return wire.run(new ImapCommand.Capability()).replaceWithVoid();
    }

    private static Uni<Void> done() {
        return Uni.createFrom().voidItem();
    }

    /**
     * Fails closed: without TLS nothing more is sent. After PREAUTH, STARTTLS is impossible (RFC 9051 section 7.1.4).
     */
    private Uni<Void> startTls() {
        if (loggedIn()) {
            return Uni.createFrom()
                    .failure(new ServerException(
                            new ServerFailure.Unreachable("the server greets with PREAUTH, which rules out STARTTLS")));
        }
        return (session.server().capabilitiesKnown() ? done() : askCapabilities())
                .chain(() -> session.server().capabilities().has("STARTTLS")
                        ? wire.startTls()
                        : Uni.createFrom()
                                .failure(new ServerException(
                                        new ServerFailure.Unreachable("the server does not offer STARTTLS"))));
    }

    /**
     * The mechanisms, from the best to the plainest: OAUTHBEARER, XOAUTH2; SCRAM, PLAIN, LOGIN. The next one is tried
     * where the server offers a mechanism and then does not understand it; and, under TLS, where it refuses SCRAM,
     * because servers offer SCRAM for all users and can execute it for some only.
     */
    private Uni<Void> authenticate() {
        Deque<LogIn> ways = ways(session.server().capabilities());
        if (ways.isEmpty()) {
            return Uni.createFrom()
                    .failure(new ServerException(new ServerFailure.AuthRejected(
                            switch (credential) {
                                case Credential.Password password -> "the server offers no login with a password";
                                case Credential.AccessToken token -> "the server offers no login with an access token";
                            })));
        }
        return permit.chain(() -> authenticate(ways));
    }

    private Uni<Void> authenticate(Deque<LogIn> ways) {
        LogIn way = ways.removeFirst();
        Uni<Void> tried = Uni.createFrom().deferred(() -> way.with(wire));
        return ways.isEmpty()
                ? tried
                : tried.onFailure(error -> Refusals.isBad(error)
                                || (way.scram() && address.tls() != TlsMode.NONE && isAuthRejected(error)))
                        .recoverWithUni(() -> authenticate(ways));
    }

    private static boolean isAuthRejected(Throwable error) {
        return error instanceof ServerException e && e.failure() instanceof ServerFailure.AuthRejected;
    }

    /** One way to log in. */
    private sealed interface LogIn {
        Uni<Void> with(ImapWire wire);

        default boolean scram() {
            return false;
        }

        record Sasl(Supplier<SaslConversation> conversation, boolean scram) implements LogIn {
            @Override
            public Uni<Void> with(ImapWire wire) {
                return wire.authenticate(conversation.get());
            }
        }

        record Command(String username, Secret password) implements LogIn {
            @Override
            public Uni<Void> with(ImapWire wire) {
                return wire.run(new ImapCommand.Login(username, password)).replaceWithVoid();
            }
        }
    }

    private Deque<LogIn> ways(Capabilities offered) {
        Deque<LogIn> ways = new ArrayDeque<>();
        switch (credential) {
            case Credential.AccessToken(var token) -> {
                if (offered.has("AUTH=OAUTHBEARER")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.OauthBearer(address, username, token), false));
                }
                if (offered.has("AUTH=XOAUTH2")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.XOauth2(username, token), false));
                }
            }
            case Credential.Password(var password) -> {
                for (String mechanism : List.of("SCRAM-SHA-256", "SCRAM-SHA-1")) {
                    if (offered.has("AUTH=" + mechanism)) {
                        ways.add(new LogIn.Sasl(() -> new SaslConversation.Scram(mechanism, username, password), true));
                    }
                }
                if (offered.has("AUTH=PLAIN")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.Plain(username, password), false));
                }
                if (!offered.has("LOGINDISABLED")) {
                    ways.add(new LogIn.Command(username, password));
                } else if (offered.has("AUTH=LOGIN")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.Login(username, password), false));
                }
            }
        }
        return ways;
    }

    private Uni<Void> introduce() {
        return session.server().capabilities().has("ID")
                ? wire.run(new ImapCommand.Id(OUR_ID))
                        .replaceWithVoid()
                        .onFailure(Refusals::isRejected)
                        .recoverWithUni(done())
                : done();
    }

    /**
     * Before the first SELECT (RFC 7162 section 3.2.3). A server that refuses enables nothing. UTF8=ACCEPT is enabled
     * only where the server supports nothing else, because it changes every mailbox name.
     */
    private Uni<Void> enable() {
        Capabilities offered = session.server().capabilities();
        Set<String> wanted = new TreeSet<>();
        // XAPPLELITERAL identifies iCloud, whose VANISHED names messages that exist.
        if (offered.has("QRESYNC") && !offered.has("XAPPLELITERAL")) {
            wanted.add("QRESYNC");
        } else if (offered.has("CONDSTORE") || offered.has("QRESYNC")) {
            wanted.add("CONDSTORE");
        }
        if (offered.has("UTF8=ONLY")) {
            wanted.add("UTF8=ACCEPT");
        }
        if (wanted.isEmpty() || !offered.hasOrRev2("ENABLE")) {
            return done();
        }
        return wire.run(new ImapCommand.Enable(wanted))
                .replaceWithVoid()
                .onFailure(Refusals::isRejected)
                .recoverWithUni(done());
    }
}
