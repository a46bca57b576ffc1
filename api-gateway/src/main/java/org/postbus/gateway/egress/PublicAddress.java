package org.postbus.gateway.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;

/**
 * Decides whether an address is on the public Internet. A tenant that names a server must not reach what only Postbus can reach:
 * this machine, private networks, a cloud's metadata service. The list is our own because the JDK's predicates miss half of it.
 */
final class PublicAddress {
    // IANA special-purpose address registries (RFC 6890 and its updates), and networks that embed an IPv4 address.
    private static final List<Block> REFUSED = List.of(
            block("0.0.0.0", 8),
            block("10.0.0.0", 8),
            block("100.64.0.0", 10),
            block("127.0.0.0", 8),
            block("169.254.0.0", 16),
            block("172.16.0.0", 12),
            block("192.0.0.0", 24),
            block("192.0.2.0", 24),
            block("192.88.99.0", 24),
            block("192.168.0.0", 16),
            block("198.18.0.0", 15),
            block("198.51.100.0", 24),
            block("203.0.113.0", 24),
            block("224.0.0.0", 4),
            block("240.0.0.0", 4));
    // Of IPv6 only global unicast (RFC 4291) is public, without these special-purpose blocks in it.
    private static final Block GLOBAL_UNICAST = block("2000::", 3);
    private static final List<Block> REFUSED_IN_GLOBAL_UNICAST =
            List.of(block("2001::", 23), block("2001:db8::", 32), block("2002::", 16), block("3fff::", 20));

    private record Block(byte[] prefix, int bits) {
        boolean contains(byte[] address) {
            if (address.length != prefix.length) {
                return false;
            }
            int whole = bits / 8;
            if (!Arrays.equals(address, 0, whole, prefix, 0, whole)) {
                return false;
            }
            int rest = bits % 8;
            return rest == 0 || ((address[whole] ^ prefix[whole]) & 0xFF) >> (8 - rest) == 0;
        }
    }

    private PublicAddress() {}

    /** The JDK returns an IPv4-mapped IPv6 address as {@link java.net.Inet4Address}, so it takes the IPv4 branch. */
    static boolean isPublic(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length == 4) {
            return REFUSED.stream().noneMatch(block -> block.contains(bytes));
        }
        return GLOBAL_UNICAST.contains(bytes)
                && REFUSED_IN_GLOBAL_UNICAST.stream().noneMatch(block -> block.contains(bytes));
    }

    private static Block block(String prefix, int bits) {
        try {
            return new Block(InetAddress.getByName(prefix).getAddress(), bits);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("not an address literal: " + prefix, e);
        }
    }
}
