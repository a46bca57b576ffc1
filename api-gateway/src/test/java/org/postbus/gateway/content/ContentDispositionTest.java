package org.postbus.gateway.content;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.model.EmailBodyPart;

class ContentDispositionTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            report.pdf                  | report.pdf
            ../../etc/passwd            | passwd
            C:\\Windows\\evil.exe       | evil.exe
            .htaccess                   | htaccess
            a"b;c.txt                   | a_b_c.txt
            ..                          | attachment
            a%2fb                       | a%2fb
            """)
    void a_file_name_is_sanitized(String claimed, String name) {
        assertThat(ContentDisposition.fileName(claimed)).isEqualTo(name);
    }

    @Test
    void a_name_can_not_inject_a_header() {
        for (int seed = 0; seed < 2_000; seed++) {
            // Given
            Random random = new Random(seed);
            String name = random.ints(1 + random.nextInt(200), 0, 0x3000)
                    .map(c -> random.nextInt(4) == 0 ? "\r\n\"\\;=/%\0".charAt(c % 8) : c)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();

            // When
            String header = ContentDisposition.attachment(Optional.of(name));

            // Then
            assertThat(header)
                    .as("seed %d", seed)
                    .matches(
                            "attachment; filename=\"[ !#-\\[\\]-~]+\"(; filename\\*=UTF-8''[A-Za-z0-9!#$&+\\-.^_`|~%]+)?");
        }
    }

    @Test
    void names_in_other_scripts_are_kept() {
        assertThat(ContentDisposition.attachment(Optional.of("r\u00e9sum\u00e9.pdf")))
                .isEqualTo("attachment; filename=\"r_sum_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf");
        assertThat(ContentDisposition.attachment(Optional.empty())).isEqualTo("attachment; filename=\"attachment\"");
        assertThat(ContentDisposition.fileName("pdf.\u202eexe")).isEqualTo("pdf.exe");
        assertThat(ContentDisposition.fileName("x".repeat(300) + ".pdf"))
                .hasSize(120)
                .endsWith("x.pdf");
    }

    @Test
    void an_invalid_type_becomes_octet_stream() {
        assertThat(ContentDisposition.contentType(part("text/html", "utf-8"))).isEqualTo("text/html; charset=utf-8");
        assertThat(ContentDisposition.contentType(part("text/html", "x\r\nA: b")))
                .isEqualTo("text/html");
        assertThat(ContentDisposition.contentType(part("text/html\r\nA: b/c", "utf-8")))
                .isEqualTo("application/octet-stream");
    }

    private static EmailBodyPart part(String type, String charset) {
        return new EmailBodyPart(
                "1",
                Optional.empty(),
                1,
                Optional.empty(),
                type,
                Optional.of(charset),
                Optional.empty(),
                Optional.empty());
    }
}
