package org.postbus.devstack.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MailCorpusTest {
    private static final int MANY = 2000;

    @Test
    void same_seed_gives_the_same_mail() {
        assertThat(texts(7, 50)).isEqualTo(texts(7, 50));
        assertThat(texts(7, 50)).doesNotContainAnyElementsOf(texts(8, 50));
    }

    @Test
    void sizes_and_shapes_are_those_of_a_real_mailbox() {
        List<String> mails = texts(42, MANY);
        List<Integer> sizes = mails.stream().map(String::length).sorted().toList();
        assertThat(sizes.get(MANY / 2)).isBetween(2400, 3800);
        assertThat(sizes.get(MANY * 99 / 100)).isBetween(20_000, 60_000);
        assertThat(percent(mails, "multipart/alternative")).isBetween(45L, 55L);
        assertThat(percent(mails, "Content-Disposition: attachment")).isBetween(16L, 24L);
        assertThat(percent(mails, "In-Reply-To: <")).isBetween(35L, 45L);
        assertThat(mails.stream().map(mail -> mail.split("Message-ID: ")[1].split("\r\n")[0]))
                .doesNotHaveDuplicates();
    }

    @Test
    void lines_end_with_crlf_and_stay_within_the_limit_of_998() {
        assertThat(texts(1, MANY)).allSatisfy(mail -> {
            assertThat(mail).endsWith("\r\n").doesNotContainPattern("[^\r]\n").doesNotContainPattern("\r[^\n]");
            assertThat(mail.lines().mapToInt(String::length).max().orElse(0)).isLessThanOrEqualTo(998);
        });
    }

    @Test
    void headers_are_ascii() {
        assertThat(texts(3, MANY))
                .allSatisfy(
                        mail -> assertThat(mail.split("\r\n\r\n", 2)[0].chars()).allMatch(c -> c < 128));
    }

    private static List<String> texts(long seed, int count) {
        MailCorpus corpus = new MailCorpus(seed, "alice@example.com", Instant.parse("2024-01-01T00:00:00Z"));
        return Stream.generate(corpus::next)
                .limit(count)
                .map(mail -> new String(mail.raw(), StandardCharsets.ISO_8859_1))
                .toList();
    }

    private static long percent(List<String> mails, String part) {
        return mails.stream().filter(mail -> mail.contains(part)).count() * 100 / mails.size();
    }
}
