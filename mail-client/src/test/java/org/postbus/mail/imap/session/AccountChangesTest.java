package org.postbus.mail.imap.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.model.MailboxRole;

class AccountChangesTest {
    private static MailboxStatus status(OptionalLong messages, OptionalLong unseen) {
        return new MailboxStatus(
                messages, unseen, OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), Optional.empty());
    }

    @Test
    void last_change_of_each_kind_is_kept_and_too_many_become_one_overflow() {
        AccountChanges changes = new AccountChanges(2, 100);
        MailboxName a = new MailboxName("a");
        ListedMailbox listed = new ListedMailbox(
                a, Optional.empty(), Set.of(), Optional.<MailboxRole>empty(), true, false, Optional.empty());
        AccountChange last = new AccountChange.Dirty(a, status(OptionalLong.of(3), OptionalLong.empty()));
        changes.add(new AccountChange.Dirty(a, status(OptionalLong.of(2), OptionalLong.empty())), 1);
        changes.add(new AccountChange.Listed(listed, Optional.empty()), 1);
        changes.add(last, 1);

        assertThat(changes.take()).containsExactly(new AccountChange.Listed(listed, Optional.empty()), last);
        assertThat(changes.isEmpty()).isTrue();

        for (String name : List.of("a", "b", "c", "d")) {
            changes.add(
                    new AccountChange.Dirty(new MailboxName(name), status(OptionalLong.of(1), OptionalLong.empty())),
                    1);
        }
        assertThat(changes.take()).containsExactly(new AccountChange.TooMany());
    }
}
