package org.postbus.devstack.corpus;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/** Writes the body of a message: plain text or multipart/alternative, sometimes with attachments (RFC 2045, 2046). */
final class MailBody {
    private final Random random;
    private final RandomText text;

    MailBody(Random random, RandomText text) {
        this.random = random;
        this.text = text;
    }

    /** @param size of the text and attachments, about, in bytes */
    void write(MimeLines mail, Language language, int size) {
        boolean alternative = random.nextBoolean();
        boolean attached = random.nextInt(5) == 0;
        int texts = attached ? size / 2 : size;
        if (!attached) {
            content(mail, language, texts, alternative);
            return;
        }
        String boundary = "mixed_" + text.hex(16);
        mail.line("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"");
        mail.line("");
        mail.line("--" + boundary);
        content(mail, language, texts, alternative);
        int attachments = 1 + random.nextInt(2);
        for (int i = 0; i < attachments; i++) {
            mail.line("--" + boundary);
            attachment(mail, language, Math.max(30, (size - texts) / attachments * 3 / 4));
        }
        mail.line("--" + boundary + "--");
    }

    private void content(MimeLines mail, Language language, int size, boolean alternative) {
        if (!alternative) {
            text(mail, language, "plain", text.paragraphs(language, size));
            return;
        }
        String boundary = "alt_" + text.hex(16);
        String paragraphs = text.paragraphs(language, size * 2 / 5);
        mail.line("Content-Type: multipart/alternative; boundary=\"" + boundary + "\"");
        mail.line("");
        mail.line("--" + boundary);
        text(mail, language, "plain", paragraphs);
        mail.line("--" + boundary);
        text(mail, language, "html", html(paragraphs));
        mail.line("--" + boundary + "--");
    }

    private String html(String paragraphs) {
        StringBuilder html =
                new StringBuilder("<!DOCTYPE html>\n<html><head><style>p { margin: 0 0 1em 0 }</style></head>\n"
                        + "<body bgcolor=\"#ffffff\">\n");
        for (String paragraph : paragraphs.split("\n\n")) {
            html.append("<p style=\"font-family: sans-serif\">")
                    .append(paragraph.strip().replace("\n", "<br>\n"))
                    .append("</p>\n");
        }
        return html.append("<img src=\"https://example.org/t/")
                .append(text.hex(12))
                .append(".gif\" width=\"1\" height=\"1\">\n</body></html>\n")
                .toString();
    }

    /** One text part in a transfer encoding that suits its charset; ISO-2022-JP is 7-bit. */
    private void text(MimeLines mail, Language language, String subtype, String content) {
        boolean own = language.charset().newEncoder().canEncode(content) && random.nextInt(3) > 0;
        Charset charset = own ? language.charset() : StandardCharsets.UTF_8;
        byte[] bytes = content.replace("\n", "\r\n").getBytes(charset);
        boolean sevenBit = true;
        for (byte b : bytes) {
            sevenBit &= b >= 0;
        }
        mail.line("Content-Type: text/" + subtype + "; charset=" + charset.name());
        if (sevenBit) {
            mail.line("Content-Transfer-Encoding: 7bit");
            mail.line("");
            mail.raw(bytes);
        } else if (language == Language.RUSSIAN || language == Language.CHINESE || language == Language.JAPANESE) {
            mail.line("Content-Transfer-Encoding: base64");
            mail.line("");
            mail.base64(bytes);
        } else if (random.nextInt(10) == 0) {
            mail.line("Content-Transfer-Encoding: 8bit");
            mail.line("");
            mail.raw(bytes);
        } else {
            mail.line("Content-Transfer-Encoding: quoted-printable");
            mail.line("");
            mail.quotedPrintable(bytes);
        }
        mail.line("");
    }

    private void attachment(MimeLines mail, Language language, int size) {
        String name = text.words(language, 1);
        String ending = List.of("pdf", "png", "csv", "docx").get(random.nextInt(4));
        String type =
                switch (ending) {
                    case "pdf" -> "application/pdf";
                    case "png" -> "image/png";
                    case "csv" -> "text/csv; charset=utf-8";
                    case "docx" -> "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
                    default -> throw new IllegalStateException(ending);
                };
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        mail.line("Content-Type: " + type);
        boolean plain = name.chars().allMatch(c -> c < 128);
        // RFC 2231: a name that is not ASCII is percent-encoded and carries its charset.
        mail.line("Content-Disposition: attachment;\r\n filename"
                + (plain ? "=\"" + name + "." + ending + "\"" : "*=UTF-8''" + percent(name) + "." + ending));
        mail.line("Content-Transfer-Encoding: base64");
        mail.line("");
        mail.base64(bytes);
    }

    private static String percent(String name) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            encoded.append(String.format("%%%02X", b & 0xFF));
        }
        return encoded.toString();
    }
}
