package org.postbus.gateway.submission;

import java.net.IDN;
import java.util.Optional;
import java.util.regex.Pattern;

/** Addresses that an envelope may have (RFC 5321 section 4.1.2), without SMTPUTF8. Pure. */
final class Addresses {
    private static final int LENGTH_MAX = 254;
    private static final Pattern LOCAL_PART = Pattern.compile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}");
    private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63})*");

    private Addresses() {}

    /** The address with its domain in ASCII (RFC 5890); empty if it is not valid. */
    static Optional<String> valid(String address) {
        // Before the domain is converted: the time of IDN.toASCII grows with the square of a label's length.
        if (address.length() > LENGTH_MAX) {
            return Optional.empty();
        }
        int at = address.lastIndexOf('@');
        if (at < 1 || !LOCAL_PART.matcher(address.substring(0, at)).matches()) {
            return Optional.empty();
        }
        try {
            String domain = IDN.toASCII(address.substring(at + 1), IDN.USE_STD3_ASCII_RULES);
            String ascii = address.substring(0, at) + "@" + domain;
            return DOMAIN.matcher(domain).matches() && ascii.length() <= LENGTH_MAX
                    ? Optional.of(ascii)
                    : Optional.empty();
        } catch (IllegalArgumentException notADomain) {
            return Optional.empty();
        }
    }
}
