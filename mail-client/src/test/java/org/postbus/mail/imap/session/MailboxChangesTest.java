package org.postbus.mail.imap.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MailboxChangesTest {
    @Test
    void too_many_changes_become_one_overflow() {
        MailboxChanges changes = new MailboxChanges(3, 100);
        changes.add(new MailboxChange.Exists(1), 1);
        changes.add(new MailboxChange.Exists(2), 1);
        changes.add(new MailboxChange.Expunged(1), 1);
        changes.add(new MailboxChange.Expunged(1), 1);
        changes.add(new MailboxChange.Expunged(1), 1);

        assertThat(changes.take()).containsExactly(new MailboxChange.TooMany());
        assertThat(changes.take()).isEmpty();

        changes.add(new MailboxChange.Expunged(1), 100);
        changes.add(new MailboxChange.Expunged(1), 1);
        assertThat(changes.take()).containsExactly(new MailboxChange.TooMany());
    }
}
