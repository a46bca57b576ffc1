package org.postbus.mail.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.network.IpNetwork;

/**
 * Where connections for tenants may lead. Public addresses are allowed, of the others only those in {@code privateNetworks}. An address of
 * a cloud's metadata service is allowed only if it is named by itself, not as part of a larger network.
 *
 * @param privateNetworks networks that are not on the public Internet and are allowed. With {@code 64:ff9b::/96} (NAT64) in it, the IPv4
 *     address in an address of that network is judged
 * @param ports allowed ports, for public and private addresses
 * @param proxy carries connections to public addresses; private ones are connected to directly
 */
public record EgressPolicy(
        List<IpNetwork> privateNetworks, List<PortRange> ports, PlainText plainText, Optional<EgressProxy> proxy) {
    /** The ports of IMAP, SMTP submission and HTTPS. */
    public static final String PORTS_DEFAULT = "143,993,465,587,443";

    /** Public addresses by the usual ports with TLS. */
    public static final EgressPolicy PUBLIC_ONLY =
            new EgressPolicy(List.of(), PortRange.parseAll(PORTS_DEFAULT), PlainText.REFUSED, Optional.empty());

    public EgressPolicy {
        privateNetworks = List.copyOf(privateNetworks);
        ports = List.copyOf(ports);
        Objects.requireNonNull(plainText);
        Objects.requireNonNull(proxy);
    }

    /** Whether credentials and mail may be sent without TLS. */
    public enum PlainText {
        REFUSED,
        /** Only to the allowed private networks. */
        PRIVATE_NETWORKS
    }

    private enum Standing {
        PUBLIC,
        ALLOWED_PRIVATE,
        REFUSED
    }

    /** What can be said without the address: neither {@code ADDRESS} nor {@code PLAIN_TEXT_TO_PUBLIC}. */
    Set<EgressRefusal> refusals(int port, boolean plain) {
        Set<EgressRefusal> refusals = EnumSet.noneOf(EgressRefusal.class);
        if (ports.stream().noneMatch(range -> range.contains(port))) {
            refusals.add(EgressRefusal.PORT);
        }
        if (plain && plainText == PlainText.REFUSED) {
            refusals.add(EgressRefusal.PLAIN_TEXT);
        }
        return refusals;
    }

    /** @param plain whether there will be no TLS on the connection */
    Set<EgressRefusal> refusals(InetAddress address, int port, boolean plain) {
        Set<EgressRefusal> refusals = refusals(port, plain);
        switch (standing(address)) {
            case REFUSED -> refusals.add(EgressRefusal.ADDRESS);
            case ALLOWED_PRIVATE -> {}
            case PUBLIC -> {
                if (plain && plainText == PlainText.PRIVATE_NETWORKS) {
                    refusals.add(EgressRefusal.PLAIN_TEXT_TO_PUBLIC);
                }
            }
        }
        return refusals;
    }

    /** The proxy for connections to an address that is not refused. */
    Optional<EgressProxy> proxyTo(InetAddress address) {
        return standing(address) == Standing.PUBLIC ? proxy : Optional.empty();
    }

    private Standing standing(InetAddress address) {
        if (PublicAddress.isNoHost(address)) {
            return Standing.REFUSED;
        }
        if (PublicAddress.isPublic(address)) {
            return Standing.PUBLIC;
        }
        boolean metadata = PublicAddress.isMetadata(address);
        boolean named = privateNetworks.stream()
                .anyMatch(network -> network.contains(address) && (!metadata || network.isSingleAddress()));
        if (!named) {
            return Standing.REFUSED;
        }
        return PublicAddress.NAT64.contains(address) ? standing(embedded(address)) : Standing.ALLOWED_PRIVATE;
    }

    private static InetAddress embedded(InetAddress nat64) {
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(nat64.getAddress(), 12, 16));
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }
}
