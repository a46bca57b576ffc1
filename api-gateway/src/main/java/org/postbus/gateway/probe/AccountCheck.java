package org.postbus.gateway.probe;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.ServerAddress;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.smtp.SmtpClient;

/**
 * Tries the login of an account: connects to its server, logs in, reads the capabilities, logs out. Then does the same with its SMTP
 * server, if there is one. Nothing is stored or sent.
 */
@ApplicationScoped
public class AccountCheck {
    /** For each server. */
    static final Duration TIME_MAX = Duration.ofSeconds(10);

    private static final int SESSION_BYTES_MAX = 1 << 20;

    private final EgressConnector egress;
    private final ImapClient imap;

    AccountCheck(EgressConnector egress) {
        this.egress = egress;
        this.imap = new ImapClient(
                egress,
                ImapOptions.DEFAULT
                        .withConnectTimeout(TIME_MAX)
                        .withLoginTimeout(TIME_MAX)
                        .withSilenceMax(TIME_MAX)
                        .withFetchedLiteralOctetsMax(ImapOptions.DEFAULT.literalOctetsMax()));
    }

    /**
     * The result. A server that refuses is a result, too.
     *
     * @param capabilities of the server; empty unless {@code ok}
     * @param reason a text, with the prefix {@code SMTP} if it is about the SMTP server; present unless {@code ok}
     * @param failure present unless {@code ok}: {@code unreachable}, {@code login-refused}, {@code throttled} or {@code refused}
     */
    public record Outcome(boolean ok, Set<String> capabilities, Optional<String> reason, Optional<String> failure) {
        public Outcome {
            capabilities = new TreeSet<>(capabilities);
            Objects.requireNonNull(reason);
            Objects.requireNonNull(failure);
        }
    }

    public Uni<Outcome> check(AccountSettings settings, Credential credential) {
        return switch (settings) {
            case AccountSettings.Imap(var username, var address, var smtp) ->
                inTime(imap.open(address, username, credential)
                                .chain(connection -> connection
                                        .list()
                                        .map(mailboxes ->
                                                connection.capabilities().names())
                                        .eventually(connection::logout)
                                        .onCancellation()
                                        .invoke(connection::close)))
                        .map(AccountCheck::success)
                        .onFailure(ServerException.class)
                        .recoverWithItem(e -> outcome("", e))
                        .chain(outcome -> logIn(smtp, username, credential, outcome));
            case AccountSettings.Jmap jmap ->
                inTime(JmapClient.open(egress, jmap, credential, options()))
                        .map(AccountCheck::capabilitiesThenClose)
                        .map(AccountCheck::success)
                        .onFailure(ServerException.class)
                        .recoverWithItem(e -> outcome("", e))
                        .chain(outcome -> logIn(jmap.smtp(), jmap.username(), credential, outcome));
        };
    }

    private Uni<Outcome> logIn(Optional<ServerAddress> smtp, String username, Credential credential, Outcome before) {
        if (!before.ok() || smtp.isEmpty()) {
            return Uni.createFrom().item(before);
        }
        return Uni.createFrom().deferred(() -> {
            SmtpClient client = SmtpClient.of(egress, smtp.get(), username, credential, Optional.empty());
            return inTime(client.logIn())
                    .onTermination()
                    .invoke(client::close)
                    .map(loggedIn -> before)
                    .onFailure(ServerException.class)
                    .recoverWithItem(e -> outcome("SMTP: ", e));
        });
    }

    private static <T> Uni<T> inTime(Uni<T> answer) {
        return answer.ifNoItem()
                .after(TIME_MAX)
                .failWith(() -> new ServerException(
                        new ServerFailure.Unreachable("no answer within " + TIME_MAX.toSeconds() + " seconds")));
    }

    private static Outcome success(Set<String> capabilities) {
        return new Outcome(true, capabilities, Optional.empty(), Optional.empty());
    }

    /** @param prefix names the server in the reason */
    private static Outcome outcome(String prefix, Throwable e) {
        ServerFailure failure = ((ServerException) e).failure();
        String kind =
                switch (failure) {
                    case ServerFailure.Unreachable ignored -> "unreachable";
                    case ServerFailure.LimitExceeded ignored -> "unreachable";
                    case ServerFailure.AuthRejected ignored -> "login-refused";
                    case ServerFailure.Throttled ignored -> "throttled";
                    case ServerFailure.Rejected ignored -> "refused";
                    case ServerFailure.Conflict ignored -> "refused";
                    case ServerFailure.CursorLost ignored -> "refused";
                    case ServerFailure.OutcomeUnknown ignored -> "unreachable";
                };
        return new Outcome(false, Set.of(), Optional.of(prefix + failure.text()), Optional.of(kind));
    }

    private static Set<String> capabilitiesThenClose(JmapClient client) {
        try (client) {
            return client.session().capabilities();
        }
    }

    private static JmapOptions options() {
        return new JmapOptions(TIME_MAX, TIME_MAX, SESSION_BYTES_MAX, JmapOptions.DEFAULTS.redirectsMax());
    }
}
