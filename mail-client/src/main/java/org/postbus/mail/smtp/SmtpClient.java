package org.postbus.mail.smtp;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.mail.LoginOption;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.MailMessage;
import io.vertx.ext.mail.MailResult;
import io.vertx.ext.mail.SMTPException;
import io.vertx.ext.mail.StartTLSOptions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.postbus.account.Credential;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;

/**
 * Submits messages of one user to one server (RFC 6409) with Vert.x Mail, which provides the pool, TLS and SASL.
 * Non-blocking; {@link #close} it.
 *
 * <p>Vert.x Mail sends a body of short US-ASCII lines and fixed header fields unchanged, so it sends {@link
 * OutgoingMessage#octets()}, except for {@code Bcc} and blank lines at the end. It does not report how far it got when
 * a connection breaks. From the moment that it asks for the text of the message, after greeting and login, a broken
 * connection is {@link ServerFailure.OutcomeUnknown}. The message may then not have been sent; but the opposite mistake
 * would send a message twice.
 */
public final class SmtpClient implements AutoCloseable {
    private static final Duration CONNECT_TIME_MAX = Duration.ofSeconds(15);
    /** RFC 5321 section 4.5.3.2: 5 minutes for a reply, 10 for the one after the message. */
    private static final Duration SILENCE_MAX = Duration.ofMinutes(10);

    private static final Duration IDLE_MAX = Duration.ofSeconds(30);
    private static final int CONNECTIONS_MAX = 2;
    /** RFC 5321 section 4.1.4 requires a name or an address literal; the own name has no meaning for a server. */
    private static final String EHLO_NAME = "[127.0.0.1]";

    /** Sends to all recipients or to none. */
    private final MailClient strict;
    /** Sends to the recipients that the server accepts. Shares the connections. */
    private final MailClient lenient;

    private volatile boolean failed;

    private SmtpClient(MailClient strict, MailClient lenient) {
        this.strict = strict;
        this.lenient = lenient;
    }

    /** @param trustedCertificates in PEM form, in place of the platform's, for private authorities */
    public static SmtpClient of(
            EgressConnector egress,
            ServerAddress address,
            String username,
            Credential credential,
            Optional<String> trustedCertificates) {
        String pool = "smtp-" + UUID.randomUUID();
        return new SmtpClient(
                egress.mail(
                        address,
                        config(address, username, credential, trustedCertificates),
                        pool,
                        SmtpGreeting::awaitOn),
                egress.mail(
                        address,
                        config(address, username, credential, trustedCertificates)
                                .setAllowRcptErrors(true),
                        pool,
                        SmtpGreeting::awaitOn));
    }

    static MailConfig config(
            ServerAddress address, String username, Credential credential, Optional<String> trustedCertificates) {
        // No hostname verification algorithm is set: Vert.x Mail then verifies as HTTPS does, and would remove one
        // that is set.
        MailConfig config = new MailConfig()
                .setSsl(address.tls() == TlsMode.TLS)
                .setStarttls(address.tls() == TlsMode.STARTTLS ? StartTLSOptions.REQUIRED : StartTLSOptions.DISABLED)
                .setUsername(username)
                .setPassword(credential.secret().reveal())
                .setOwnHostname(EHLO_NAME)
                .setMaxPoolSize(CONNECTIONS_MAX)
                .setKeepAlive(true)
                .setKeepAliveTimeout((int) IDLE_MAX.toSeconds())
                .setKeepAliveTimeoutUnit(TimeUnit.SECONDS)
                .setConnectTimeout((int) CONNECT_TIME_MAX.toMillis())
                .setIdleTimeout((int) SILENCE_MAX.toSeconds())
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                // No pipelining: with DATA sent along, a refused recipient leaves the server waiting for a message.
                .setPipelining(false);
        trustedCertificates.ifPresent(
                pem -> config.setPemTrustOptions(new PemTrustOptions().addCertValue(Buffer.buffer(pem))));
        return switch (credential) {
            case Credential.Password password ->
                config.setLogin(LoginOption.REQUIRED).setAuthMethods("PLAIN LOGIN");
            case Credential.AccessToken token ->
                config.setLogin(LoginOption.XOAUTH2).setAuthMethods("XOAUTH2");
        };
    }

    /**
     * The server accepted the message for all recipients but these.
     *
     * @param refused by recipient, with the server's reply where the library provides it
     */
    public record Delivery(Map<String, String> refused) {
        public Delivery {
            refused = Map.copyOf(refused);
        }
    }

    /**
     * Submits a message. It is sent to the other recipients if some are refused permanently.
     *
     * @param recipients at least one; plain addresses (RFC 5321 section 4.1.2)
     * @return fails with {@link ServerFailure.Rejected} if it is refused, with {@link ServerFailure.Throttled} if it
     *     or one recipient is refused temporarily; nothing was sent then
     */
    public Uni<Delivery> send(String mailFrom, List<String> recipients, OutgoingMessage message) {
        return Uni.createFrom()
                .deferred(() -> attempt(strict, mailFrom, recipients, message)
                        .map(result -> new Delivery(Map.of()))
                        .onFailure(failure -> isOneRecipientOfMany(failure, recipients))
                        .recoverWithUni(first -> withoutRefused(mailFrom, recipients, message, (ServerException) first))
                        .onFailure()
                        .invoke(() -> failed = true));
    }

    private Uni<Delivery> withoutRefused(
            String mailFrom, List<String> recipients, OutgoingMessage message, ServerException first) {
        return attempt(lenient, mailFrom, recipients, message)
                .map(result -> {
                    Map<String, String> refused = new LinkedHashMap<>();
                    for (String recipient : recipients) {
                        if (!result.getRecipients().contains(recipient)) {
                            refused.put(
                                    recipient,
                                    refused.isEmpty() ? first.failure().text() : "refused");
                        }
                    }
                    return new Delivery(refused);
                })
                .onFailure(failure -> failure.getMessage().contains(SmtpFailures.NO_RECIPIENT))
                .transform(none -> first);
    }

    /** Connects, logs in and disconnects: nothing is sent. Fails as {@link #send} does. */
    public Uni<Void> logIn() {
        return UniHelper.toUni(strict.sendMail(new Withdrawn()))
                .onItem()
                .<Void>transform(sent -> {
                    throw new IllegalStateException("a message without a text was sent");
                })
                .onFailure(Withdrawal.class)
                .recoverWithUni(() -> Uni.createFrom().voidItem())
                .onFailure()
                .transform(cause -> new ServerException(SmtpFailures.of(cause, false), cause));
    }

    /**
     * Whether the connection may be reused: after a failure the pool waits until the server has closed the connection.
     */
    public boolean isUsable() {
        return !failed;
    }

    private static boolean isOneRecipientOfMany(Throwable failure, List<String> recipients) {
        return recipients.size() > 1
                && failure instanceof ServerException refused
                && refused.failure() instanceof ServerFailure.Rejected
                && refused.getCause() instanceof SMTPException reply
                && reply.getMessage().startsWith("recipient address not accepted");
    }

    private static Uni<MailResult> attempt(
            MailClient client, String mailFrom, List<String> recipients, OutgoingMessage message) {
        var mail = new Fixed(mailFrom, recipients, message);
        return UniHelper.toUni(client.sendMail(mail))
                .onFailure()
                .transform(cause -> new ServerException(SmtpFailures.of(cause, mail.begun), cause));
    }

    /** A message that is sent unchanged and records when the client asks for its text. */
    private static final class Fixed extends MailMessage {
        private volatile boolean begun;

        Fixed(String mailFrom, List<String> recipients, OutgoingMessage message) {
            MultiMap headers = MultiMap.caseInsensitiveMultiMap();
            message.without("Bcc").fields().forEach(field -> headers.add(field.name(), field.value()));
            setFrom(mailFrom);
            setTo(List.copyOf(recipients));
            setFixedHeaders(true);
            setHeaders(headers);
            setText(message.body().replace("\r\n", "\n"));
        }

        @Override
        public String getText() {
            begun = true;
            return super.getText();
        }
    }

    private static final class Withdrawal extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** Withdrawn when its text is asked for, which is between the login and {@code MAIL}. */
    private static final class Withdrawn extends MailMessage {
        private static final String NO_ADDRESS = "nobody@localhost";

        Withdrawn() {
            setFrom(NO_ADDRESS);
            setTo(NO_ADDRESS);
        }

        @Override
        public String getText() {
            throw new Withdrawal();
        }
    }

    @Override
    public void close() {
        strict.close();
        lenient.close();
    }
}
