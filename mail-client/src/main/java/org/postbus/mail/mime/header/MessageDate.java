package org.postbus.mail.mime.header;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a Date field (RFC 5322 section 3.3, with the obsolete forms, asctime's order and other deviations). */
public final class MessageDate {
    private static final int LENGTH_MAX = 200;
    private static final String MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

    private static final Pattern DAY_FIRST = Pattern.compile(
            "(\\d{1,2})[ \\t-]+([A-Za-z]{3})[A-Za-z.]*[ \\t-]+(\\d{2,4})[ \\t,]+(\\d{1,2})[:.](\\d{2})(?:[:.](\\d{2}))?(.*)");
    private static final Pattern MONTH_FIRST = Pattern.compile(
            "([A-Za-z]{3})[A-Za-z.]*[ \\t]+(\\d{1,2})[ \\t,]+(\\d{1,2}):(\\d{2})(?::(\\d{2}))?[ \\t]+(\\d{4})(.*)");
    private static final Pattern ZONE = Pattern.compile("([+-])(\\d{2}):?(\\d{2})");

    /** RFC 5322 section 4.3; other zone names have no defined meaning. */
    private static final Map<String, Integer> ZONE_HOURS = Map.of(
            "EST", -5, "EDT", -4, "CST", -6, "CDT", -5, "MST", -7, "MDT", -6, "PST", -8, "PDT", -7, "CET", 1, "CEST",
            2);

    private MessageDate() {}

    /** As ISO 8601 with the sender's offset, UTC if there is none; empty if the date cannot be read. */
    public static Optional<String> parse(String field) {
        String text = field.length() > LENGTH_MAX ? field.substring(0, LENGTH_MAX) : field;
        Matcher day = DAY_FIRST.matcher(text);
        if (day.find()) {
            return format(
                    day.group(3), day.group(2), day.group(1), day.group(4), day.group(5), day.group(6), day.group(7));
        }
        Matcher month = MONTH_FIRST.matcher(text);
        if (month.find()) {
            return format(
                    month.group(6),
                    month.group(1),
                    month.group(2),
                    month.group(3),
                    month.group(4),
                    month.group(5),
                    month.group(7));
        }
        return Optional.empty();
    }

    private static Optional<String> format(
            String year, String month, String day, String hour, String minute, String second, String zone) {
        int index = MONTHS.indexOf(month.toLowerCase(Locale.ROOT));
        if (index < 0 || index % 3 != 0) {
            return Optional.empty();
        }
        int fullYear = Integer.parseInt(year);
        if (year.length() < 4) {
            // RFC 5322 section 4.3: two digits, or three from a sender with the millennium bug.
            fullYear += year.length() == 2 && fullYear < 50 ? 2000 : 1900;
        }
        try {
            LocalDateTime local = LocalDateTime.of(
                    fullYear,
                    index / 3 + 1,
                    Integer.parseInt(day),
                    Integer.parseInt(hour),
                    Integer.parseInt(minute),
                    // Java cannot represent a leap second in ISO 8601.
                    second == null ? 0 : Math.min(59, Integer.parseInt(second)));
            return Optional.of(DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(OffsetDateTime.of(local, offset(zone))));
        } catch (DateTimeException noSuchDate) {
            return Optional.empty();
        }
    }

    private static ZoneOffset offset(String zone) {
        Matcher digits = ZONE.matcher(zone);
        if (digits.find()) {
            int minutes = Integer.parseInt(digits.group(2)) * 60 + Integer.parseInt(digits.group(3));
            return minutes > 18 * 60
                    ? ZoneOffset.UTC
                    : ZoneOffset.ofTotalSeconds((digits.group(1).equals("-") ? -minutes : minutes) * 60);
        }
        Integer hours = ZONE_HOURS.get(zone.strip().toUpperCase(Locale.ROOT));
        return hours == null ? ZoneOffset.UTC : ZoneOffset.ofHours(hours);
    }
}
