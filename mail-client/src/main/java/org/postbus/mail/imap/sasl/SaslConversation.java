package org.postbus.mail.imap.sasl;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.exception.ScramException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.codec.EventCodec;

/**
 * The client's side of one SASL exchange (RFC 4422): used once, by one thread at a time. {@link #respond} of SCRAM may take a
 * second of computing and must not run on an event loop.
 */
public sealed interface SaslConversation {

    /** The exchange cannot go on and must be cancelled. The text holds no secret. */
    final class SaslFailure extends Exception {
        private static final long serialVersionUID = 1;

        public SaslFailure(String text) {
            super(text);
        }
    }

    String mechanism();

    /** Sent without a challenge; empty where the server sends the first message. */
    Optional<byte[]> initialResponse();

    byte[] respond(byte[] challenge) throws SaslFailure;

    /** Whether the server may answer OK now: it has proved what the mechanism requires. */
    default boolean proven() {
        return true;
    }

    /** The reason for a refusal that the server gave in a challenge. */
    default Optional<String> reason() {
        return Optional.empty();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Control characters end fields of some mechanisms, and SASLprep (RFC 4013) prohibits them in the others. */
    private static void refuseControls(String text) {
        if (text.chars().anyMatch(c -> c < ' ')) {
            throw new IllegalArgumentException("control characters cannot be part of a login");
        }
    }

    /** RFC 4616: {@code message = [authzid] UTF8NUL authcid UTF8NUL passwd}. */
    record Plain(String username, Secret password) implements SaslConversation {
        public Plain {
            refuseControls(username);
            refuseControls(password.reveal());
        }

        @Override
        public String mechanism() {
            return "PLAIN";
        }

        @Override
        public Optional<byte[]> initialResponse() {
            return Optional.of(utf8("\0" + username + "\0" + password.reveal()));
        }

        @Override
        public byte[] respond(byte[] challenge) throws SaslFailure {
            throw new SaslFailure("the server wants more than PLAIN has");
        }
    }

    /** AUTH=LOGIN, never standardised: two prompts, whatever their wording. */
    final class Login implements SaslConversation {
        private final String username;
        private final Secret password;
        private int asked;

        public Login(String username, Secret password) {
            refuseControls(username);
            refuseControls(password.reveal());
            this.username = username;
            this.password = password;
        }

        @Override
        public String mechanism() {
            return "LOGIN";
        }

        @Override
        public Optional<byte[]> initialResponse() {
            return Optional.empty();
        }

        @Override
        public byte[] respond(byte[] challenge) throws SaslFailure {
            return switch (++asked) {
                case 1 -> utf8(username);
                case 2 -> utf8(password.reveal());
                default -> throw new SaslFailure("the server wants more than LOGIN has");
            };
        }
    }

    /** Google's and Microsoft's own form of OAUTHBEARER. */
    final class XOauth2 implements SaslConversation {
        private final String username;
        private final Secret token;
        private Optional<String> reason = Optional.empty();

        public XOauth2(String username, Secret token) {
            refuseControls(username);
            refuseControls(token.reveal());
            this.username = username;
            this.token = token;
        }

        @Override
        public String mechanism() {
            return "XOAUTH2";
        }

        @Override
        public Optional<byte[]> initialResponse() {
            return Optional.of(utf8("user=" + username + "\1auth=Bearer " + token.reveal() + "\1\1"));
        }

        @Override
        public byte[] respond(byte[] challenge) throws SaslFailure {
            reason = oauthReason(challenge);
            return new byte[0];
        }

        @Override
        public Optional<String> reason() {
            return reason;
        }
    }

    /** RFC 7628. */
    final class OauthBearer implements SaslConversation {
        private final ServerAddress server;
        private final String username;
        private final Secret token;
        private Optional<String> reason = Optional.empty();

        public OauthBearer(ServerAddress server, String username, Secret token) {
            refuseControls(username);
            refuseControls(token.reveal());
            this.server = server;
            this.username = username;
            this.token = token;
        }

        @Override
        public String mechanism() {
            return "OAUTHBEARER";
        }

        @Override
        public Optional<byte[]> initialResponse() {
            String saslname = username.replace("=", "=3D").replace(",", "=2C");
            return Optional.of(utf8("n,a=" + saslname + ",\1host=" + server.host() + "\1port=" + server.port()
                    + "\1auth=Bearer " + token.reveal() + "\1\1"));
        }

        /** Section 3.2.3: a challenge is an error, and is answered with one octet so that the server can end it. */
        @Override
        public byte[] respond(byte[] challenge) throws SaslFailure {
            reason = oauthReason(challenge);
            return new byte[] {1};
        }

        @Override
        public Optional<String> reason() {
            return reason;
        }
    }

    /** {@code status} and the description in the JSON by which servers refuse a token; or the text as it is. */
    private static Optional<String> oauthReason(byte[] challenge) {
        String text = new String(challenge, 0, Math.min(challenge.length, 2000), StandardCharsets.UTF_8).strip();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            JsonNode json = EventCodec.mapper().readTree(text);
            String status = json.path("status").asText("");
            String description =
                    json.path("error_description").asText(json.path("error").asText(""));
            String both = (status + " " + description).strip();
            return Optional.of(both.isEmpty() ? text : both);
        } catch (JsonProcessingException e) {
            return Optional.of(text);
        }
    }

    /** RFC 5802, RFC 7677; without channel binding. The server must prove that it knows the password, too. */
    final class Scram implements SaslConversation {
        /** At least a hundred times what servers use; a higher number only costs CPU time. */
        private static final int ITERATIONS_MAX = 1_000_000;

        private final String mechanism;
        private final ScramClient client;
        private final byte[] first;
        private int step;
        private boolean proven;

        /** @throws IllegalArgumentException if the name or the password holds what SASLprep (RFC 4013) prohibits */
        public Scram(String mechanism, String username, Secret password) {
            this(mechanism, username, password, Optional.empty());
        }

        /** @param nonce for tests: what is otherwise random */
        public Scram(String mechanism, String username, Secret password, Optional<String> nonce) {
            this.mechanism = mechanism;
            ScramClient.FinalBuildStage builder = ScramClient.builder()
                    .advertisedMechanisms(List.of(mechanism))
                    .username(username)
                    .password(password.reveal().toCharArray());
            this.client = nonce.map(fixed -> builder.nonceSupplier(() -> fixed))
                    .orElse(builder)
                    .build();
            this.first = utf8(client.clientFirstMessage().toString());
        }

        @Override
        public String mechanism() {
            return mechanism;
        }

        @Override
        public Optional<byte[]> initialResponse() {
            return Optional.of(first);
        }

        @Override
        public byte[] respond(byte[] challenge) throws SaslFailure {
            String text = new String(challenge, StandardCharsets.UTF_8);
            try {
                return switch (++step) {
                    case 1 -> {
                        int iterations = client.serverFirstMessage(text).getIterationCount();
                        if (iterations > ITERATIONS_MAX) {
                            throw new SaslFailure("the server wants " + iterations + " iterations");
                        }
                        yield utf8(client.clientFinalMessage().toString());
                    }
                    case 2 -> {
                        client.serverFinalMessage(text);
                        proven = true;
                        yield new byte[0];
                    }
                    default -> throw new SaslFailure("the server wants more than SCRAM has");
                };
            } catch (ScramException | IllegalArgumentException | IllegalStateException e) {
                throw new SaslFailure("the server's side of " + mechanism + " is wrong: " + e.getMessage());
            }
        }

        @Override
        public boolean proven() {
            return proven;
        }
    }
}
