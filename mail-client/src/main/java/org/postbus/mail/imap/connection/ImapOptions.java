package org.postbus.mail.imap.connection;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.imap.session.SessionLimits;
import org.postbus.mail.memory.HeldBytes;

/**
 * Limits of every connection of an {@link ImapClient}. A server that exceeds one is disconnected, and the command in
 * progress fails with {@code LimitExceeded}. Well-behaved servers stay far below each limit.
 */
public final class ImapOptions {
    /** Limits that well-behaved servers never reach. */
    public static final ImapOptions DEFAULT = new ImapOptions();

    /** A server that sends fewer octets in {@link #silenceMax}, and no whole response, counts as silent. */
    public static final int PROGRESS_OCTETS = 1024;

    private Duration connectTimeout = Duration.ofSeconds(30);
    private Duration loginTimeout = Duration.ofSeconds(60);
    private Duration silenceMax = Duration.ofSeconds(60);
    private int lineOctetsMax = 1 << 20;
    private int literalOctetsMax = 64 * 1024;
    private int fetchedLiteralOctetsMax = 32 << 20;
    private int streamedLiteralOctetsMax = 512 << 20;
    private int nestingMax = 64;
    private int responsesMax = 100_000;
    private int answerBytesMax = 16 << 20;
    private Compression compression = Compression.WHERE_IT_PAYS;
    private Optional<String> trustedCertificates = Optional.empty();
    private HeldBytes held = HeldBytes.OF_PROCESS;

    /** Whether a connection that is opened for bulk asks for COMPRESS=DEFLATE (RFC 4978). Others never do. */
    public enum Compression {
        NEVER,
        /**
         * With TLS, to another machine. Headers and texts shrink to about a third, which costs both sides CPU time per
         * octet and this side 300 KB of memory per connection. There is nothing to gain on a loopback connection, and
         * a server without TLS is on this machine or close to it.
         */
        WHERE_IT_PAYS,
        ALWAYS
    }

    private ImapOptions() {}

    private ImapOptions(ImapOptions other) {
        connectTimeout = other.connectTimeout;
        loginTimeout = other.loginTimeout;
        silenceMax = other.silenceMax;
        lineOctetsMax = other.lineOctetsMax;
        literalOctetsMax = other.literalOctetsMax;
        fetchedLiteralOctetsMax = other.fetchedLiteralOctetsMax;
        streamedLiteralOctetsMax = other.streamedLiteralOctetsMax;
        nestingMax = other.nestingMax;
        responsesMax = other.responsesMax;
        answerBytesMax = other.answerBytesMax;
        compression = other.compression;
        trustedCertificates = other.trustedCertificates;
        held = other.held;
    }

    /** From the first packet to the end of the TLS handshake. */
    public Duration connectTimeout() {
        return connectTimeout;
    }

    public ImapOptions withConnectTimeout(Duration timeout) {
        ImapOptions changed = new ImapOptions(this);
        changed.connectTimeout = positive(timeout);
        return changed;
    }

    /** From there until the connection can be used: greeting, STARTTLS, login and the commands after it. */
    public Duration loginTimeout() {
        return loginTimeout;
    }

    public ImapOptions withLoginTimeout(Duration timeout) {
        ImapOptions changed = new ImapOptions(this);
        changed.loginTimeout = positive(timeout);
        return changed;
    }

    /**
     * How long a command waits for progress of the server: for the next whole response, or for {@link
     * #PROGRESS_OCTETS} of one. Time in which the subscriber requests nothing does not count.
     */
    public Duration silenceMax() {
        return silenceMax;
    }

    public ImapOptions withSilenceMax(Duration silence) {
        ImapOptions changed = new ImapOptions(this);
        changed.silenceMax = positive(silence);
        return changed;
    }

    /** One response without its literals. */
    public int lineOctetsMax() {
        return lineOctetsMax;
    }

    public ImapOptions withLineOctetsMax(int octets) {
        ImapOptions changed = new ImapOptions(this);
        changed.lineOctetsMax = octets(octets);
        return changed;
    }

    /** One literal outside of a fetch, such as a mailbox name. */
    public int literalOctetsMax() {
        return literalOctetsMax;
    }

    public ImapOptions withLiteralOctetsMax(int octets) {
        ImapOptions changed = new ImapOptions(this);
        changed.literalOctetsMax = octets(octets);
        return changed;
    }

    /** The content of a message that is fetched whole, if the caller asks for more; one message is held in memory at a time. */
    public int fetchedLiteralOctetsMax() {
        return fetchedLiteralOctetsMax;
    }

    public ImapOptions withFetchedLiteralOctetsMax(int octets) {
        ImapOptions changed = new ImapOptions(this);
        changed.fetchedLiteralOctetsMax = octets(octets);
        return changed;
    }

    /** The content of {@link ImapConnection#uidFetchSection} without a limit of its own; one chunk is held at a time. */
    public int streamedLiteralOctetsMax() {
        return streamedLiteralOctetsMax;
    }

    /** Nested parentheses. A value with more is kept unparsed, because any sender of mail can cause it. */
    public int nestingMax() {
        return nestingMax;
    }

    public ImapOptions withNestingMax(int depth) {
        ImapOptions changed = new ImapOptions(this);
        changed.nestingMax = atLeast(1, depth);
        return changed;
    }

    /** Responses to one command that are not passed on to a reader, besides some for each message of the mailbox. */
    public int responsesMax() {
        return responsesMax;
    }

    public ImapOptions withResponsesMax(int responses) {
        ImapOptions changed = new ImapOptions(this);
        changed.responsesMax = atLeast(1, responses);
        return changed;
    }

    /**
     * About the bytes of memory of those of them together that are kept until the command is answered: 25,000 mailboxes, or
     * UIDs in 400,000 ranges.
     */
    public int answerBytesMax() {
        return answerBytesMax;
    }

    SessionLimits sessionLimits() {
        return new SessionLimits(
                literalOctetsMax, fetchedLiteralOctetsMax, streamedLiteralOctetsMax, responsesMax, answerBytesMax);
    }

    public Compression compression() {
        return compression;
    }

    public ImapOptions withCompression(Compression compression) {
        ImapOptions changed = new ImapOptions(this);
        changed.compression = Objects.requireNonNull(compression);
        return changed;
    }

    /** Certificates in PEM form that are trusted besides the platform's, for private authorities. */
    public Optional<String> trustedCertificates() {
        return trustedCertificates;
    }

    public ImapOptions withTrustedCertificates(String pem) {
        ImapOptions changed = new ImapOptions(this);
        changed.trustedCertificates = Optional.of(pem);
        return changed;
    }

    /** Where the bytes are counted that all connections hold. */
    public HeldBytes held() {
        return held;
    }

    public ImapOptions withHeld(HeldBytes held) {
        ImapOptions changed = new ImapOptions(this);
        changed.held = Objects.requireNonNull(held);
        return changed;
    }

    private static Duration positive(Duration time) {
        if (!time.isPositive()) {
            throw new IllegalArgumentException("a time limit must be positive");
        }
        return time;
    }

    private static int octets(int octets) {
        return atLeast(1024, octets);
    }

    private static int atLeast(int least, int value) {
        if (value < least) {
            throw new IllegalArgumentException("a limit must be at least " + least + ": " + value);
        }
        return value;
    }
}
