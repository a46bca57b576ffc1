package org.postbus.gateway.account;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;

class MailboxIdentityTest {
    @Test
    void spellings_of_one_mailbox_are_equal() {
        assertThat(imap("Alice", "Mail.Example.com.", 993)).isEqualTo(imap("alice", "mail.example.com", 143));
        assertThat(imap("alice", "mail.example.com", 993).text()).isEqualTo("imap://mail.example.com/alice");
        assertThat(jmap("alice", "https://mail.example.com:443/jmap", ""))
                .isEqualTo(jmap("ALICE", "https://MAIL.example.com/.well-known/jmap", ""));
    }

    @Test
    void other_mailboxes_differ() {
        MailboxIdentity alice = imap("alice", "mail.example.com", 993);
        assertThat(alice)
                .isNotEqualTo(imap("bob", "mail.example.com", 993))
                .isNotEqualTo(imap("alice", "mail.example.org", 993))
                .isNotEqualTo(imap("alice", "mail.example.com", 1993))
                .isNotEqualTo(jmap("alice", "https://mail.example.com/", ""));
        assertThat(jmap("alice", "https://mail.example.com/", "a1"))
                .isNotEqualTo(jmap("alice", "https://mail.example.com/", "a2"));
    }

    private static MailboxIdentity imap(String username, String host, int port) {
        return MailboxIdentity.of(
                new AccountSettings.Imap(username, new ServerAddress(host, port, TlsMode.TLS), Optional.empty()));
    }

    private static MailboxIdentity jmap(String username, String url, String accountId) {
        return MailboxIdentity.of(new AccountSettings.Jmap(
                username, URI.create(url), Optional.of(accountId).filter(id -> !id.isEmpty()), List.of()));
    }
}
