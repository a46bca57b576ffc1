package org.postbus.mail.imap.grammar.response;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import org.postbus.observation.ObservedEmail;

/** Reads INTERNALDATE (RFC 9051 section 9, {@code date-time}). */
final class InternalDateParser {
    private static final String MONTHS = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

    private InternalDateParser() {}

    /** {@code date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE} */
    static Instant dateTime(String value) {
        String[] parts = value.strip().split("[ \t]+");
        String[] date = parts[0].split("-");
        if (parts.length < 2 || date.length != 3) {
            throw new ImapSyntaxException("not a date");
        }
        try {
            int month = MONTHS.indexOf(date[1].toUpperCase(Locale.ROOT));
            if (month < 0 || month % 3 != 0 || date[1].length() != 3) {
                throw new ImapSyntaxException("not a month");
            }
            String[] time = parts[1].split(":");
            LocalDateTime local = LocalDateTime.of(
                    Integer.parseInt(date[2]),
                    month / 3 + 1,
                    Integer.parseInt(date[0]),
                    Integer.parseInt(time[0]),
                    Integer.parseInt(time[1]),
                    time.length > 2 ? Math.min(59, Integer.parseInt(time[2])) : 0);
            return ObservedEmail.storable(local.toInstant(zone(parts.length > 2 ? parts[2] : "+0000")));
        } catch (DateTimeException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new ImapSyntaxException("not a date");
        }
    }

    /** {@code zone = ("+" / "-") 4DIGIT}; a name, which is obsolete, counts as UTC. */
    private static ZoneOffset zone(String zone) {
        if (zone.length() != 5 || (zone.charAt(0) != '+' && zone.charAt(0) != '-')) {
            return ZoneOffset.UTC;
        }
        int minutes = Integer.parseInt(zone.substring(1, 3)) * 60 + Integer.parseInt(zone.substring(3));
        return ZoneOffset.ofTotalSeconds((zone.charAt(0) == '-' ? -minutes : minutes) * 60);
    }
}
