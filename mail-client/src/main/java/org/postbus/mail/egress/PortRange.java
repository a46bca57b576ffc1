package org.postbus.mail.egress;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Ports from the first to the last, both included. */
public record PortRange(int first, int last) {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");

    public PortRange {
        if (first < 1 || last > 65535 || first > last) {
            throw new IllegalArgumentException("not ports between 1 and 65535: " + first + "-" + last);
        }
    }

    /**
     * @param text ports and ranges separated by commas, such as {@code 143,993,8000-8999}
     * @throws IllegalArgumentException if it is something else
     */
    public static List<PortRange> parseAll(String text) {
        return Stream.of(text.split(","))
                .map(String::strip)
                .filter(one -> !one.isEmpty())
                .map(PortRange::parse)
                .toList();
    }

    private static PortRange parse(String text) {
        Matcher parts = FORM.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("not a port or a range of ports: " + text);
        }
        int first = Integer.parseInt(parts.group(1));
        return new PortRange(first, parts.group(2) == null ? first : Integer.parseInt(parts.group(2)));
    }

    boolean contains(int port) {
        return port >= first && port <= last;
    }
}
