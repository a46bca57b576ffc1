package org.postbus.devstack.rawclient;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Reads FETCH responses, given as tokens: {@code [number, "FETCH", [name, value, name, value, ...]]}. */
final class ImapFetch {
    private static final String MESSAGE_ID_FIELD = "BODY[HEADER.FIELDS (MESSAGE-ID)]";
    /** RFC 9051: {@code date-time}; the day may have a leading space. */
    private static final DateTimeFormatter DATE_TIME = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .appendPattern("d-MMM-yyyy HH:mm:ss Z")
            .toFormatter(Locale.ENGLISH);

    private ImapFetch() {}

    /** Whether the response is a FETCH with everything that {@link #message} reads. An unsolicited FETCH has flags only. */
    static boolean describesMessage(List<Object> response) {
        return isFetch(response) && item(response, "RFC822.SIZE").isPresent();
    }

    static RawImap.Message message(List<Object> response) {
        Set<String> flags = item(response, "FLAGS").map(ImapFetch::texts).orElse(List.of()).stream()
                .filter(flag -> !flag.equalsIgnoreCase("\\Recent"))
                .collect(Collectors.toCollection(TreeSet::new));
        String header = item(response, MESSAGE_ID_FIELD).map(Object::toString).orElse("");
        String messageId = header.substring(header.indexOf(':') + 1).strip();
        return new RawImap.Message(
                Long.parseLong(item(response, "UID").orElseThrow().toString()),
                flags,
                Long.parseLong(item(response, "RFC822.SIZE").orElseThrow().toString()),
                Instant.from(DATE_TIME.parse(
                        item(response, "INTERNALDATE").orElseThrow().toString().strip())),
                messageId.isEmpty() ? Optional.empty() : Optional.of(messageId),
                item(response, "EMAILID")
                        .filter(List.class::isInstance)
                        .map(ImapFetch::texts)
                        .map(List::getFirst));
    }

    /** RFC 9051: {@code date-day-fixed = (SP DIGIT) / 2DIGIT}. */
    static String dateTime(Instant instant) {
        return String.format("%26s", DATE_TIME.format(instant.atZone(ZoneOffset.UTC)));
    }

    static List<String> texts(Object list) {
        return ((List<?>) list).stream().map(Object::toString).toList();
    }

    private static boolean isFetch(List<Object> response) {
        return response.size() == 3
                && "FETCH".equalsIgnoreCase(response.get(1).toString())
                && response.get(2) instanceof List;
    }

    private static Optional<Object> item(List<Object> response, String name) {
        List<?> items = (List<?>) response.get(2);
        for (int i = 0; i + 1 < items.size(); i += 2) {
            // James puts names of header fields in quotes.
            if (name.equalsIgnoreCase(items.get(i).toString().replace("\"", ""))) {
                return Optional.of(items.get(i + 1));
            }
        }
        return Optional.empty();
    }
}
