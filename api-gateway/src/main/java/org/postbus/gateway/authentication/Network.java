package org.postbus.gateway.authentication;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * A range of IP addresses in CIDR notation, such as {@code 192.0.2.0/24}. An address without a prefix length is a range of one. Bits after the
 * prefix are cleared.
 */
public final class Network {
    private static final Pattern ADDRESS = Pattern.compile("[0-9A-Fa-f:.]{2,45}");
    private static final Pattern IPV4 = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})");

    private final byte[] first;
    private final int prefix;

    private Network(byte[] first, int prefix) {
        this.first = first;
        this.prefix = prefix;
    }

    /** @throws IllegalArgumentException if it is no IP address or range of addresses. A name is never looked up. */
    @JsonCreator
    public static Network parse(String text) {
        int slash = text.indexOf('/');
        byte[] address = address(slash < 0 ? text : text.substring(0, slash)).getAddress();
        int bits = address.length * 8;
        int prefix = slash < 0 ? bits : prefix(text.substring(slash + 1), bits);
        return new Network(cleared(address, prefix), prefix);
    }

    /** The addresses that share the first {@code prefix} bits with this one. */
    static Network around(InetAddress address, int prefix) {
        return new Network(cleared(address.getAddress(), prefix), prefix);
    }

    /** @throws IllegalArgumentException if it is no IP address */
    static InetAddress address(String literal) {
        boolean dotted = IPV4.matcher(literal).matches();
        if (!dotted && !(ADDRESS.matcher(literal).matches() && literal.contains(":"))) {
            throw new IllegalArgumentException("not an IP address: " + literal);
        }
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("not an IP address: " + literal, e);
        }
    }

    boolean contains(InetAddress address) {
        byte[] octets = address.getAddress();
        return octets.length == first.length && Arrays.equals(cleared(octets, prefix), first);
    }

    /** Whether every address of the other range is in this one. */
    public boolean contains(Network other) {
        return other.first.length == first.length
                && other.prefix >= prefix
                && Arrays.equals(cleared(other.first, prefix), first);
    }

    private static int prefix(String text, int bits) {
        if (!text.matches("\\d{1,3}") || Integer.parseInt(text) > bits) {
            throw new IllegalArgumentException("the prefix length must be a number from 0 to " + bits);
        }
        return Integer.parseInt(text);
    }

    private static byte[] cleared(byte[] address, int prefix) {
        byte[] cleared = address.clone();
        for (int i = 0; i < cleared.length; i++) {
            int kept = Math.clamp(prefix - i * 8L, 0, 8);
            cleared[i] &= (byte) (0xFF << (8 - kept));
        }
        return cleared;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Network network && network.prefix == prefix && Arrays.equals(network.first, first);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(first) * 31 + prefix;
    }

    @JsonValue
    @Override
    public String toString() {
        try {
            return InetAddress.getByAddress(first).getHostAddress() + "/" + prefix;
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 octets are an address", e);
        }
    }
}
