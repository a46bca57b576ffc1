package org.postbus.mail.imap.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.postbus.event.UidRange;
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
    void name_made_for_people_is_shown_to_them_again() {
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

    @Test
    void sets_are_split_without_losing_a_uid() {
        for (long seed = 1; seed <= 50; seed++) {
            Random random = new Random(seed);
            Set<Long> uids = new TreeSet<>();
            for (int i = random.nextInt(6000); i > 0; i--) {
                uids.add(1 + (random.nextLong() & 0x7FFF_FFFFL));
            }
            List<UidRange> ranges = UidSets.normalize(
                    uids.stream().map(uid -> new UidRange(uid, uid)).toList());

            List<List<UidRange>> sets = UidSets.split(ranges);

            List<UidRange> again = new ArrayList<>();
            for (List<UidRange> set : sets) {
                assertThat(UidSets.format(set, false).length())
                        .as("seed %d", seed)
                        .isBetween(1, UidSets.SET_OCTETS_MAX);
                again.addAll(set);
            }
            assertThat(again).as("seed %d", seed).isEqualTo(ranges);
            assertThat(UidSets.count(ranges)).as("seed %d", seed).isEqualTo(uids.size());
            assertThat(uids).as("seed %d", seed).allMatch(uid -> UidSets.contains(ranges, uid));
        }
    }
}
