package org.postbus.mail.egress;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A network in CIDR notation.
 *
 * @param address its first address
 * @param bits length of the prefix
 */
public record IpNetwork(InetAddress address, int bits) {
    public IpNetwork {
        Objects.requireNonNull(address);
        byte[] octets = address.getAddress();
        if (bits < 0 || bits > octets.length * 8) {
            throw new IllegalArgumentException("a prefix of " + bits + " bits");
        }
        for (int bit = bits; bit < octets.length * 8; bit++) {
            if ((octets[bit / 8] >> (7 - bit % 8) & 1) != 0) {
                throw new IllegalArgumentException(address.getHostAddress() + " has bits behind a prefix of " + bits);
            }
        }
    }

    /**
     * @param text {@code 10.0.0.0/8}, {@code fd00::/8}, or a single address
     * @throws IllegalArgumentException if it is none
     */
    public static IpNetwork parse(String text) {
        int slash = text.indexOf('/');
        String start = slash < 0 ? text : text.substring(0, slash);
        if (!(HostName.parse(start).orElse(null) instanceof HostName.Literal(var address))) {
            throw new IllegalArgumentException("not a network such as 10.0.0.0/8: " + text);
        }
        int bits = slash < 0 ? address.getAddress().length * 8 : number(text, text.substring(slash + 1));
        return new IpNetwork(address, bits);
    }

    /** @param text networks separated by commas; may be blank */
    public static List<IpNetwork> parseAll(String text) {
        return Stream.of(text.split(","))
                .map(String::strip)
                .filter(one -> !one.isEmpty())
                .map(IpNetwork::parse)
                .toList();
    }

    private static int number(String text, String bits) {
        if (!bits.matches("[0-9]{1,3}")) {
            throw new IllegalArgumentException("not a network such as 10.0.0.0/8: " + text);
        }
        return Integer.parseInt(bits);
    }

    public boolean contains(InetAddress other) {
        byte[] prefix = address.getAddress();
        byte[] octets = other.getAddress();
        if (octets.length != prefix.length) {
            return false;
        }
        int whole = bits / 8;
        if (!Arrays.equals(octets, 0, whole, prefix, 0, whole)) {
            return false;
        }
        int rest = bits % 8;
        return rest == 0 || ((octets[whole] ^ prefix[whole]) & 0xFF) >> (8 - rest) == 0;
    }

    boolean isSingleAddress() {
        return bits == address.getAddress().length * 8;
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + bits;
    }
}
