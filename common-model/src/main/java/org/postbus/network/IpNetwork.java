package org.postbus.network;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A network in CIDR notation; in JSON its text.
 *
 * @param address its first address
 * @param bits length of the prefix
 */
public record IpNetwork(InetAddress address, int bits) {
    public IpNetwork {
        Objects.requireNonNull(address);
        if (bits < 0 || bits > length(address)) {
            throw new IllegalArgumentException("a prefix of " + bits + " bits");
        }
        if (!address.equals(cleared(address, bits))) {
            throw new IllegalArgumentException(address.getHostAddress() + " has bits behind a prefix of " + bits);
        }
    }

    /**
     * @param text {@code 10.0.0.0/8}, {@code fd00::/8}, or a single address
     * @throws IllegalArgumentException if it is none, or if the address has bits behind the prefix
     */
    public static IpNetwork parse(String text) {
        InetAddress address = addressIn(text);
        return new IpNetwork(address, bitsIn(text, address));
    }

    /** As {@link #parse}, but any address of the network may stand for it. */
    @JsonCreator
    public static IpNetwork parseLenient(String text) {
        InetAddress address = addressIn(text);
        return around(address, bitsIn(text, address));
    }

    /** The addresses that share the first {@code bits} bits with this one. */
    public static IpNetwork around(InetAddress address, int bits) {
        return new IpNetwork(cleared(address, bits), bits);
    }

    /** @param text networks separated by commas; may be blank */
    public static List<IpNetwork> parseAll(String text) {
        return Stream.of(text.split(","))
                .map(String::strip)
                .filter(one -> !one.isEmpty())
                .map(IpNetwork::parse)
                .toList();
    }

    public boolean contains(InetAddress other) {
        return length(other) == length(address) && cleared(other, bits).equals(address);
    }

    /** Whether every address of the other network is in this one. */
    public boolean contains(IpNetwork other) {
        return other.bits >= bits && contains(other.address);
    }

    public boolean isSingleAddress() {
        return bits == length(address);
    }

    private static InetAddress addressIn(String text) {
        int slash = text.indexOf('/');
        return IpAddress.parse(slash < 0 ? text : text.substring(0, slash)).orElseThrow(() -> invalid(text));
    }

    private static int bitsIn(String text, InetAddress address) {
        int slash = text.indexOf('/');
        String bits = text.substring(slash + 1);
        if (slash < 0) {
            return length(address);
        }
        if (!bits.matches("[0-9]{1,3}") || Integer.parseInt(bits) > length(address)) {
            throw invalid(text);
        }
        return Integer.parseInt(bits);
    }

    private static IllegalArgumentException invalid(String text) {
        return new IllegalArgumentException("not a network such as 10.0.0.0/8: " + text);
    }

    private static int length(InetAddress address) {
        return address.getAddress().length * 8;
    }

    private static InetAddress cleared(InetAddress address, int bits) {
        byte[] octets = address.getAddress();
        for (int i = 0; i < octets.length; i++) {
            octets[i] &= (byte) (0xFF << (8 - Math.clamp(bits - i * 8L, 0, 8)));
        }
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }

    @JsonValue
    @Override
    public String toString() {
        return address.getHostAddress() + "/" + bits;
    }
}
