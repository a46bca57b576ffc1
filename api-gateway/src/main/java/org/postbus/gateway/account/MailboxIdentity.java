package org.postbus.gateway.account;

import java.util.Locale;
import org.postbus.account.AccountSettings;

/**
 * The mailbox on a server that an account syncs, in one spelling: {@code imap://mail.example.com/alice}. Two accounts with the same one
 * would store the same mail twice. Ports that a protocol has by default make no difference, nor does the case of letters. Pure.
 */
record MailboxIdentity(String text) {
    private static final int IMAP = 143;
    private static final int IMAPS = 993;
    private static final int HTTP = 80;
    private static final int HTTPS = 443;

    static MailboxIdentity of(AccountSettings settings) {
        return switch (settings) {
            case AccountSettings.Imap(var username, var imap, var smtp) ->
                of("imap", imap.host(), imap.port() == IMAP || imap.port() == IMAPS ? -1 : imap.port(), username, "");
            case AccountSettings.Jmap(var username, var url, var accountId, var trustedHosts, var smtp) ->
                of(
                        "jmap",
                        url.getHost(),
                        url.getPort() == HTTP || url.getPort() == HTTPS ? -1 : url.getPort(),
                        username,
                        accountId.map(id -> "#" + id).orElse(""));
        };
    }

    private static MailboxIdentity of(String protocol, String host, int port, String username, String accountId) {
        String name = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
        return new MailboxIdentity(protocol + "://" + name.toLowerCase(Locale.ROOT) + (port < 0 ? "" : ":" + port) + "/"
                + username.toLowerCase(Locale.ROOT) + accountId);
    }
}
