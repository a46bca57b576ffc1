package org.postbus.mail.imap.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.postbus.model.Keyword;

class ImapValuesTest {
    @Test
    void names_are_shown_decoded_and_kept_raw() {
        assertThat(new MailboxName("Entw&APw-rfe").displayName()).isEqualTo("Entwürfe");
        assertThat(new MailboxName("A &- B").displayName()).isEqualTo("A & B");
        assertThat(new MailboxName("not &utf7").displayName()).isEqualTo("not &utf7");
        assertThat(new MailboxName("Entw\u00c3\u00bcrfe").displayName()).isEqualTo("Entwürfe");
        assertThat(new MailboxName("Entw\u00fcrfe").displayName()).isEqualTo("Entwürfe");
        assertThat(new MailboxName("inBox")).isEqualTo(MailboxName.INBOX);
        assertThat(MailboxName.ofDisplayName("日本語 & co").raw()).isEqualTo("&ZeVnLIqe- &- co");
    }

    @Test
    void display_name_is_encoded_and_decoded_without_loss() {
        for (long seed = 1; seed <= 500; seed++) {
            Random random = new Random(seed);
            StringBuilder name = new StringBuilder("x");
            for (int i = random.nextInt(20); i > 0; i--) {
                name.appendCodePoint(random.nextBoolean() ? ' ' + random.nextInt(95) : 0xA0 + random.nextInt(0xD700));
            }
            assertThat(MailboxName.ofDisplayName(name.toString()).displayName())
                    .as("seed %d", seed)
                    .isEqualTo(name.toString());
        }
    }

    @Test
    void flags_are_keywords_where_jmap_knows_them() {
        assertThat(ImapFlag.keywords(List.of(
                        new ImapFlag("\\SEEN"),
                        ImapFlag.DELETED,
                        ImapFlag.RECENT,
                        new ImapFlag("$Junk"),
                        new ImapFlag("two words"),
                        new ImapFlag("Work"))))
                .containsExactly(new Keyword("$junk"), new Keyword("$seen"), new Keyword("work"));
        for (Keyword keyword : List.of(Keyword.SEEN, Keyword.FLAGGED, Keyword.ANSWERED, Keyword.DRAFT)) {
            assertThat(ImapFlag.of(keyword).isSystem()).isTrue();
            assertThat(ImapFlag.of(keyword).keyword()).contains(keyword);
        }
        assertThat(ImapFlag.of(new Keyword("$Forwarded")).name()).isEqualTo("$forwarded");
    }
}
