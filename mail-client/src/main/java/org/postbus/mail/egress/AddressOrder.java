package org.postbus.mail.egress;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The order in which addresses are tried: IPv6 and IPv4 in turn, IPv6 first (RFC 8305 section 4). */
final class AddressOrder {
    private AddressOrder() {}

    static List<InetAddress> of(List<InetAddress> addresses) {
        Iterator<InetAddress> six =
                addresses.stream().filter(AddressOrder::isIpv6).distinct().iterator();
        Iterator<InetAddress> four = addresses.stream()
                .filter(address -> !isIpv6(address))
                .distinct()
                .iterator();
        List<InetAddress> ordered = new ArrayList<>();
        while (six.hasNext() || four.hasNext()) {
            if (six.hasNext()) {
                ordered.add(six.next());
            }
            if (four.hasNext()) {
                ordered.add(four.next());
            }
        }
        return ordered;
    }

    private static boolean isIpv6(InetAddress address) {
        return address.getAddress().length == 16;
    }
}
