package org.postbus.fetcher.source;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * How long a session with an IMAP server may last, and when its list of mailboxes is believed. The state that a server keeps for a session may
 * become wrong while the session answers: Dovecot's LIST then misses mailboxes in every session that was open, for as long as it is.
 *
 * @param longest a session is replaced at this age at the latest
 * @param fresh a younger session is believed when its LIST contradicts what is known
 * @param renewed is given the reason of each replacement
 */
public record Sessions(Duration longest, Duration fresh, Consumer<Renewal> renewed) {
    private static final Duration LONGEST_MIN = Duration.ofMinutes(1);
    private static final Duration LONGEST_MAX = Duration.ofHours(24);
    private static final Duration FRESH = Duration.ofSeconds(10);
    /** A server that was seen to answer from outdated state is asked by a fresh session this often. */
    private static final Duration AFTER_OUTDATED = Duration.ofMinutes(5);

    /** Why a session was replaced. */
    public enum Renewal {
        /** It was old. */
        AGE("age"),
        /** It was old, and listed other mailboxes than the fresh session right after it. */
        OUTDATED("outdated"),
        /** It no longer listed a known mailbox, or listed one of which it then knew nothing. */
        CONTRADICTION("contradiction");

        private final String metricName;

        Renewal(String metricName) {
            this.metricName = metricName;
        }

        /** The value of the tag {@code reason} of {@code postbus.fetcher.sessions.renewed}. */
        public String metricName() {
            return metricName;
        }
    }

    /** @throws IllegalArgumentException if the setting is not between 1 minute and 24 hours */
    public static Sessions ofSetting(Duration longest, Consumer<Renewal> renewed) {
        if (longest.compareTo(LONGEST_MIN) < 0 || longest.compareTo(LONGEST_MAX) > 0) {
            throw new IllegalArgumentException(
                    "POSTBUS_FETCHER_SESSION_MAX must be between 1 minute and 24 hours, not " + longest);
        }
        return new Sessions(longest, FRESH, renewed);
    }

    /**
     * The age at which one session is replaced: the sessions that a restart opened together end apart.
     *
     * @param outdated whether a session of this account was seen to answer from outdated state
     * @param random from 0 to below 1
     */
    public Duration lifetime(boolean outdated, double random) {
        Duration most = outdated && AFTER_OUTDATED.compareTo(longest) < 0 ? AFTER_OUTDATED : longest;
        return most.minusMillis((long) (most.toMillis() / 4.0 * random));
    }
}
