package org.postbus.mail.egress;

import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;
import org.postbus.network.IpNetwork;

/** Decides whether an address is on the public Internet. The list is our own because the JDK's predicates miss half of it. */
final class PublicAddress {
    // IANA special-purpose address registries (RFC 6890 and its updates), and networks that embed an IPv4 address.
    private static final List<IpNetwork> SPECIAL = networks(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4");
    // Of IPv6 only global unicast (RFC 4291) is public, without these special-purpose blocks in it.
    private static final IpNetwork GLOBAL_UNICAST = IpNetwork.parse("2000::/3");
    private static final List<IpNetwork> SPECIAL_IN_GLOBAL_UNICAST =
            networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    /** Services of clouds that give credentials or configuration to whoever can connect. */
    private static final List<IpNetwork> METADATA = networks(
            "169.254.169.253",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::23",
            "fd00:ec2::253",
            "fd00:ec2::254",
            "fd20:ce::254");

    /** Not the address of one other host; on Linux 0.0.0.0 is this machine. */
    private static final List<IpNetwork> NO_HOST =
            networks("0.0.0.0/8", "::", "224.0.0.0/4", "255.255.255.255", "ff00::/8");

    /** RFC 6052: the last four octets are an IPv4 address. */
    static final IpNetwork NAT64 = IpNetwork.parse("64:ff9b::/96");

    private PublicAddress() {}

    /** The JDK returns an IPv4-mapped IPv6 address as {@link java.net.Inet4Address}, so it takes the IPv4 branch. */
    static boolean isPublic(InetAddress address) {
        if (isMetadata(address)) {
            return false;
        }
        return address.getAddress().length == 4
                ? !isIn(SPECIAL, address)
                : GLOBAL_UNICAST.contains(address) && !isIn(SPECIAL_IN_GLOBAL_UNICAST, address);
    }

    static boolean isMetadata(InetAddress address) {
        return isIn(METADATA, address);
    }

    static boolean isNoHost(InetAddress address) {
        return isIn(NO_HOST, address);
    }

    private static boolean isIn(List<IpNetwork> networks, InetAddress address) {
        return networks.stream().anyMatch(network -> network.contains(address));
    }

    private static List<IpNetwork> networks(String... texts) {
        return Stream.of(texts).map(IpNetwork::parse).toList();
    }
}
