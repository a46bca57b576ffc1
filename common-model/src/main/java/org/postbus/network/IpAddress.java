package org.postbus.network;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads IP addresses. {@link InetAddress#getByName} alone would look up what is no address, and blocks meanwhile. */
public final class IpAddress {
    private static final Pattern IPV4 =
            Pattern.compile("(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\\.(?!$)|$)){4}");
    /** With a colon in it the JDK takes a text for an IPv6 address or refuses it. */
    private static final Pattern IPV6 = Pattern.compile("(?=.*:)[0-9A-Fa-f:.]{2,45}");

    private IpAddress() {}

    /**
     * @param text four decimal numbers, or an IPv6 address (RFC 4291 section 2.2) without brackets and zone
     * @return empty if it is none of them; an IPv4-mapped IPv6 address is an {@link java.net.Inet4Address}
     */
    public static Optional<InetAddress> parse(String text) {
        if (!IPV4.matcher(text).matches() && !IPV6.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByName(text));
        } catch (UnknownHostException notAnAddress) {
            return Optional.empty();
        }
    }
}
