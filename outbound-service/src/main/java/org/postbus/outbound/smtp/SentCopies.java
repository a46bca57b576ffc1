package org.postbus.outbound.smtp;

import java.util.List;
import java.util.Locale;

/** Which providers keep a copy of what they are given by SMTP, told by the SMTP server's name. Pure. */
public final class SentCopies {
    /** Domains of submission servers, and what lies under them. */
    private static final List<String> KEPT_BY = List.of(
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

    private SentCopies() {}

    public static boolean areKeptBy(String smtpHost) {
        String host = smtpHost.toLowerCase(Locale.ROOT);
        return KEPT_BY.stream().anyMatch(domain -> host.equals(domain) || host.endsWith("." + domain));
    }
}
