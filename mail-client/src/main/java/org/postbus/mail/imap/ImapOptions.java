package org.postbus.mail.imap;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Limits of every connection of an {@link ImapClient}. A server that exceeds one is disconnected, and the command in
 * progress fails with {@code Unreachable}.
 *
 * @param connectTimeout from the first packet to the end of the TLS handshake
 * @param silenceMax how long a command waits without a single byte from the server; the time in which a reader asks for
 *     nothing does not count
 * @param lineOctetsMax one response without its literals
 * @param literalOctetsMax one literal outside of a fetch, such as a mailbox name
 * @param fetchedLiteralOctetsMax one literal of a fetched message; one message is held in memory at a time
 * @param nestingMax parentheses within parentheses
 * @param responsesMax untagged responses that one command may collect; fetched messages do not count, they are passed on
 * @param trustedCertificates certificates in PEM form that are trusted besides the platform's, for private authorities
 */
public record ImapOptions(
        Duration connectTimeout,
        Duration silenceMax,
        int lineOctetsMax,
        int literalOctetsMax,
        int fetchedLiteralOctetsMax,
        int nestingMax,
        int responsesMax,
        Optional<String> trustedCertificates) {

    /** What a well-behaved server stays within by far. */
    public static final ImapOptions DEFAULT = new ImapOptions(
            Duration.ofSeconds(30), Duration.ofSeconds(60), 1 << 20, 1 << 20, 64 << 20, 64, 200_000, Optional.empty());

    public ImapOptions {
        Objects.requireNonNull(trustedCertificates);
        if (!connectTimeout.isPositive() || !silenceMax.isPositive()) {
            throw new IllegalArgumentException("a time limit must be positive");
        }
        if (lineOctetsMax < 1024 || literalOctetsMax < 1024 || fetchedLiteralOctetsMax < 1024) {
            throw new IllegalArgumentException("a limit of octets must be 1024 at least");
        }
        if (nestingMax < 1 || responsesMax < 1) {
            throw new IllegalArgumentException("a limit must be positive");
        }
    }

    public ImapOptions withTrustedCertificates(String pem) {
        return new ImapOptions(
                connectTimeout,
                silenceMax,
                lineOctetsMax,
                literalOctetsMax,
                fetchedLiteralOctetsMax,
                nestingMax,
                responsesMax,
                Optional.of(pem));
    }

    public ImapOptions withSilenceMax(Duration silenceMax) {
        return new ImapOptions(
                connectTimeout,
                silenceMax,
                lineOctetsMax,
                literalOctetsMax,
                fetchedLiteralOctetsMax,
                nestingMax,
                responsesMax,
                trustedCertificates);
    }
}
