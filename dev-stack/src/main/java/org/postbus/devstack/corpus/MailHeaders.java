package org.postbus.devstack.corpus;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Writes the header section of a message (RFC 5322), with trace headers and signatures of a usual size. */
final class MailHeaders {
    /** RFC 2047 section 2: an encoded-word has at most 75 characters; 30 bytes of UTF-8 stay below it in base64. */
    private static final int ENCODED_WORD_BYTES = 30;

    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, d MMM yyyy HH:mm:ss Z", Locale.ENGLISH);

    private final Random random;
    private final RandomText text;
    private final String recipient;

    MailHeaders(Random random, RandomText text, String recipient) {
        this.random = random;
        this.text = text;
        this.recipient = recipient;
    }

    /**
     * @param count number of the message, from which the sender's address follows
     * @param references Message-IDs of the messages before it in its thread, the oldest first
     */
    void write(
            MimeLines mail,
            int count,
            Instant now,
            String messageId,
            String subject,
            List<String> references,
            Language language) {
        String date = DATE.format(now.atOffset(ZoneOffset.ofHours(random.nextInt(25) - 12)));
        mail.line("Return-Path: <sender" + count % 97 + "@example.org>");
        for (int hop = 1 + random.nextInt(2); hop > 0; hop--) {
            mail.line(
                    "Received: from relay" + hop + ".example.org (relay" + hop + ".example.org [192.0.2." + hop + "])");
            mail.line("\tby mx.example.com with ESMTPS id " + text.hex(12) + " for <" + recipient + ">;");
            mail.line("\t" + date);
        }
        mail.line("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s2;");
        mail.line("\th=from:to:subject:date:message-id; bh=" + text.base64Line(32) + ";");
        mail.line("\tb=" + text.base64Line(48));
        mail.line("\t " + text.base64Line(48));
        mail.line("Message-ID: " + messageId);
        mail.line("Date: " + date);
        mail.line("From: " + sender(count, language));
        mail.line("To: " + recipient);
        if (random.nextInt(4) == 0) {
            mail.line("Cc: Team <team@example.com>, \"Doe, J.\" <j.doe@example.org>");
        }
        mail.line("Subject: " + encoded(subject, language));
        if (!references.isEmpty()) {
            mail.line("In-Reply-To: " + references.getLast());
            mail.line("References: " + String.join("\r\n ", references));
        }
        if (random.nextInt(6) == 0) {
            mail.line("List-Id: <announce.example.org>");
            mail.line("List-Unsubscribe: <https://example.org/u/" + text.hex(8) + ">");
        }
        mail.line("MIME-Version: 1.0");
    }

    private String sender(int count, Language language) {
        String name = text.words(language, 2);
        return encoded(name.replaceAll("[^\\p{L} ]", "x"), language) + " <sender" + count % 97 + "@example.org>";
    }

    /** Encoded words (RFC 2047) in the language's charset or in UTF-8, in B or Q encoding. */
    private String encoded(String value, Language language) {
        if (value.chars().allMatch(c -> c < 128)) {
            return value;
        }
        boolean own = language.charset().newEncoder().canEncode(value) && random.nextBoolean();
        Charset charset = own ? language.charset() : StandardCharsets.UTF_8;
        boolean asQ = charset.aliases().contains("latin1") || charset.name().startsWith("windows");
        List<String> words = new ArrayList<>();
        StringBuilder chunk = new StringBuilder();
        int[] codePoints = value.codePoints().toArray();
        for (int i = 0; i < codePoints.length; i++) {
            chunk.appendCodePoint(codePoints[i]);
            boolean full =
                    chunk.toString().getBytes(charset).length > (asQ ? ENCODED_WORD_BYTES / 2 : ENCODED_WORD_BYTES);
            if (full || i == codePoints.length - 1) {
                byte[] bytes = chunk.toString().getBytes(charset);
                String word = asQ ? q(bytes) : Base64.getEncoder().encodeToString(bytes);
                words.add("=?" + charset.name() + (asQ ? "?Q?" : "?B?") + word + "?=");
                chunk.setLength(0);
            }
        }
        return String.join("\r\n ", words);
    }

    private static String q(byte[] bytes) {
        StringBuilder word = new StringBuilder();
        for (byte b : bytes) {
            char c = (char) (b & 0xFF);
            if (c == ' ') {
                word.append('_');
            } else if (c < 128 && Character.isLetterOrDigit(c)) {
                word.append(c);
            } else {
                word.append(String.format("=%02X", (int) c));
            }
        }
        return word.toString();
    }
}
