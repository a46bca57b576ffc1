package org.postbus.outbound.smtp;

import java.util.List;
import java.util.Locale;

/** Which providers file a copy in Sent of each message that they accept by SMTP. Decided by the SMTP server's host name. Pure. */
public final class FiledCopies {
    /** Domains of submission servers; their subdomains count too. */
    private static final List<String> FILED_BY = List.of(
            "gmail.com",
            "googlemail.com",
            "smtp-relay.google.com",
            "office365.com",
            "outlook.com",
            "hotmail.com",
            "mail.me.com",
            "zoho.com",
            "zoho.eu",
            "zoho.in");

    private FiledCopies() {}

    public static boolean areFiledBy(String smtpHost) {
        String host = smtpHost.toLowerCase(Locale.ROOT);
        return FILED_BY.stream().anyMatch(domain -> host.equals(domain) || host.endsWith("." + domain));
    }
}
