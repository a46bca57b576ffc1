package org.postbus.writer.decide;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BaseSubjectTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Lunch at noon",
                "  lunch\tat  NOON ",
                "Re: Lunch at noon",
                "RE: re:Fwd:  fw: Lunch at noon",
                "Re[2]: Lunch at noon",
                "[list] Lunch at noon",
                "[list] [urgent] Re: [other list] Lunch at noon",
                "Re: [list] Re: Lunch at noon (fwd)",
                "Lunch at noon (fwd) (FWD)",
                "[Fwd: Lunch at noon]",
                "Re: [fwd: [list] Re: Lunch at noon (fwd)]",
                "AW: WG: Antw: SV: Lunch at noon",
                "回复：Lunch at noon",
                "Re : Lunch\u00a0at noon"
            })
    void marks_tags_case_and_white_space_are_ignored(String subject) {
        assertThat(BaseSubject.of(subject)).isEqualTo("lunchatnoon");
    }

    @Test
    void other_text_is_kept() {
        assertThat(BaseSubject.of("Regarding: lunch")).isEqualTo("regarding:lunch");
        assertThat(BaseSubject.of("re lunch")).isEqualTo("relunch");
        assertThat(BaseSubject.of("a: b")).isEqualTo("a:b");
        assertThat(BaseSubject.of("[list]")).isEqualTo("[list]");
        assertThat(BaseSubject.of("Re: [list]")).isEqualTo("[list]");
        assertThat(BaseSubject.of("[not [closed] x")).isEqualTo("[not[closed]x");
        assertThat(BaseSubject.of("Re:")).isEmpty();
        assertThat(BaseSubject.of("")).isEmpty();
    }

    @Test
    void replies_and_forwards_of_any_subject_have_its_base_subject_and_long_subjects_are_fast() {
        String[] pieces = {"re", ":", "[", "]", " ", "fwd", "(fwd)", "[fwd:", "x", "AW", "\uD83D\uDE00", "\u0130"};
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            StringBuilder subject = new StringBuilder();
            for (int i = random.nextInt(12); i > 0; i--) {
                subject.append(pieces[random.nextInt(pieces.length)]);
            }
            String text = subject.toString();
            String base = BaseSubject.of(text);
            assertThat(BaseSubject.of("Re: " + text))
                    .as("seed %d: %s", seed, text)
                    .isEqualTo(base);
            assertThat(BaseSubject.of(text + " (fwd)"))
                    .as("seed %d: %s", seed, text)
                    .isEqualTo(base);
        }
        Assertions.assertTimeout(Duration.ofSeconds(2), () -> {
            for (String piece : pieces) {
                BaseSubject.of(piece.repeat(1_000_000));
            }
        });
    }
}
