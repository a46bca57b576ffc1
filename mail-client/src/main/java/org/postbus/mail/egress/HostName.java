package org.postbus.mail.egress;

import java.net.IDN;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.postbus.network.IpAddress;

/**
 * A host as it was written: an address in its usual form, or a name for DNS. What some resolvers take for an address and others for a name
 * ({@code 2130706433}, {@code 0x7f.1}, {@code 127.1}, {@code 010.0.0.1}) is neither: WHATWG URL, "ends in a number".
 */
sealed interface HostName {
    /** An address, also if it was written in brackets. */
    record Literal(InetAddress address) implements HostName {}

    /** @param ascii in lower case, without a dot at the end */
    record Name(String ascii) implements HostName {}

    int LENGTH_MAX = 253;

    Pattern NUMBER = Pattern.compile("[0-9]+|0[xX][0-9a-fA-F]*");
    Pattern LABELS =
            Pattern.compile("[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*");

    /** Empty if it is neither a name nor an address. */
    static Optional<HostName> parse(String text) {
        if (text.startsWith("[") && text.endsWith("]")) {
            return ipv6(text.substring(1, text.length() - 1));
        }
        return text.indexOf(':') >= 0 ? ipv6(text) : nameOrIpv4(text);
    }

    private static Optional<HostName> nameOrIpv4(String text) {
        String ascii;
        try {
            // Maps digits and dots of other scripts to ASCII, so what it returns may be an address.
            ascii = IDN.toASCII(text).toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException | IndexOutOfBoundsException notAName) {
            return Optional.empty();
        }
        String name = ascii.endsWith(".") ? ascii.substring(0, ascii.length() - 1) : ascii;
        if (name.length() > LENGTH_MAX) {
            return Optional.empty();
        }
        if (NUMBER.matcher(name.substring(name.lastIndexOf('.') + 1)).matches()) {
            return IpAddress.parse(name).<HostName>map(Literal::new);
        }
        return LABELS.matcher(name).matches() ? Optional.of(new Name(name)) : Optional.empty();
    }

    /**
     * A zone id is refused: it means something on one machine only. So is an IPv4 address within: it is a second spelling of another address, or of one that no
     * public host has.
     */
    private static Optional<HostName> ipv6(String text) {
        return text.indexOf('.') >= 0
                ? Optional.empty()
                : IpAddress.parse(text)
                        .filter(address -> address instanceof Inet6Address)
                        .<HostName>map(Literal::new);
    }
}
