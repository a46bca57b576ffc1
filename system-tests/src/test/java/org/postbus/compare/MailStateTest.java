package org.postbus.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.postbus.compare.MailState.LocatedEmail;
import org.postbus.compare.MailState.MailboxState;

class MailStateTest {
    private static final LocatedEmail SEEN = located("a@example.org", "$seen");

    @Test
    void equal_states_have_no_differences() {
        assertThat(MailState.differences(inbox(Map.of("1/1", SEEN)), inbox(Map.of("1/1", SEEN))))
                .isEmpty();
    }

    @Test
    void every_kind_of_difference_is_reported() {
        MailState server = inbox(Map.of("1/1", SEEN, "1/2", located("b@example.org")));

        assertThat(MailState.differences(server, inbox(Map.of("1/1", SEEN))))
                .anyMatch(line -> line.contains("INBOX 1/2: on the server only"));
        assertThat(MailState.differences(inbox(Map.of("1/1", SEEN)), server))
                .anyMatch(line -> line.contains("INBOX 1/2: in the database only"));
        assertThat(MailState.differences(
                        server, inbox(Map.of("1/1", located("a@example.org"), "1/2", located("b@example.org")))))
                .anyMatch(line -> line.startsWith("INBOX 1/1: server"));
        assertThat(MailState.differences(server, new MailState(new TreeMap<>(), 2)))
                .containsExactly("mailbox INBOX: on the server only");
        assertThat(MailState.differences(new MailState(new TreeMap<>(), 2), server))
                .containsExactly("mailbox INBOX: in the database only");
    }

    @Test
    void a_wrong_count_is_a_difference() {
        MailState server = inbox(Map.of("1/1", SEEN));
        MailState database = new MailState(
                new TreeMap<>(Map.of(
                        "INBOX",
                        new MailboxState(2, 1, server.mailboxes().get("INBOX").emails()))),
                2);

        assertThat(MailState.differences(server, database))
                .containsExactly(
                        "emails: 1 on the server, 2 in the database",
                        "mailbox INBOX: 0 of 1 unread on the server, 1 of 2 in the database");
    }

    @Test
    void flags_become_keywords_as_in_rfc_8621() {
        assertThat(MailState.keywordsOf(Set.of("\\Seen", "\\FLAGGED", "\\Deleted", "\\Recent", "$Forwarded", "Work")))
                .containsExactly("$flagged", "$forwarded", "$seen", "work");
    }

    private static MailState inbox(Map<String, LocatedEmail> emails) {
        long unread = emails.values().stream()
                .filter(email -> !email.keywords().contains("$seen"))
                .count();
        return new MailState(
                new TreeMap<>(Map.of("INBOX", new MailboxState(emails.size(), unread, new TreeMap<>(emails)))),
                emails.size());
    }

    private static LocatedEmail located(String messageId, String... keywords) {
        return new LocatedEmail(messageId, new TreeSet<>(Set.of(keywords)), 100, Instant.EPOCH, 0);
    }
}
