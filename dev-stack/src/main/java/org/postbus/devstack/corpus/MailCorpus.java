package org.postbus.devstack.corpus;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Mail as it lies in a mailbox of some years, made from a seed: the same seed gives the same bytes. Sizes are log-normal around
 * 3 KB, half of the messages are multipart/alternative, a fifth have attachments, they come in seven languages and as many
 * charsets, two fifths answer an earlier one. All addresses are of {@code example.com} and {@code example.org}.
 *
 * <p>Not thread safe: a message may answer the one made before it.
 */
public final class MailCorpus {
    private static final double SIZE_MEDIAN = 3000;
    private static final double SIZE_SIGMA = 1.0;
    private static final int SIZE_MIN = 700;
    private static final int SIZE_MAX = 512 * 1024;
    /** What the headers take of a message's size, about. */
    private static final int HEADER_BYTES = 900;
    /** RFC 5322 section 2.1.1 recommends 78; flowing text is folded a little before it. */
    private static final int LINE_LENGTH = 72;
    /** RFC 2047 section 2: an encoded-word has at most 75 characters; 30 bytes of UTF-8 stay below it in base64. */
    private static final int ENCODED_WORD_BYTES = 30;
    /** How many of the latest messages may still be answered. */
    private static final int OPEN_THREADS = 40;

    private static final int REFERENCES_MAX = 12;
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, d MMM yyyy HH:mm:ss Z", Locale.ENGLISH);

    private final Random random;
    private final long seed;
    private final String recipient;
    private final List<Told> open = new ArrayList<>();
    private Instant now;
    private int count;

    /**
     * @param recipient the mailbox's own address
     * @param from the date of the first message; each next one is some minutes or hours younger
     */
    public MailCorpus(long seed, String recipient, Instant from) {
        this.random = new Random(seed);
        this.seed = seed;
        this.recipient = recipient;
        this.now = from;
    }

    /**
     * One message.
     *
     * @param messageId with its angle brackets
     * @param date for INTERNALDATE; the Date header says the same
     * @param flags IMAP flags that somebody may have set on it by now
     * @param raw with CRLF line ends; a few hold 8-bit text
     */
    public record Mail(String messageId, String subject, Instant date, Set<String> flags, byte[] raw) {}

    /** What an answer needs to know of the message it answers. */
    private record Told(String messageId, String subject, List<String> references, Tongue tongue) {}

    /** A language, the charset that its mail often has, and some of its words. */
    private enum Tongue {
        ENGLISH(
                "us-ascii",
                "the a of and to in for is on that with report meeting invoice please find attached schedule project"
                        + " budget quarter customer release update review draft agenda minutes contract delivery order"
                        + " tomorrow morning would like ask whether can send numbers team thanks regards server backup"),
        GERMAN(
                "iso-8859-1",
                "der die das und für über mit Rechnung Besprechung Angebot Auftrag Lieferung Grüße schöne bitte"
                        + " prüfen Änderung Übersicht Straße größer möglich während Bestätigung Verfügung heute morgen"),
        FRENCH(
                "windows-1252",
                "le la les et pour avec réunion facture été déjà bientôt où l’équipe révision développement ça"
                        + " août hôtel œuvre « merci » être prévu demain matin décembre adhésion"),
        RUSSIAN(
                "koi8-r",
                "отчёт встреча счёт проект завтра утром пожалуйста договор заказ доставка спасибо вопрос ответ"
                        + " команда срок план сервер письмо новый адрес"),
        JAPANESE("iso-2022-jp", "会議 の 件 お世話になっております 資料 を 添付 します 明日 午前 確認 お願いします 請求書 契約 納品 予定 変更 株式会社 ご連絡 ありがとうございます"),
        CHINESE("gb18030", "会议 报告 项目 明天 上午 请 查收 附件 合同 订单 发票 谢谢 更新 客户 团队 计划 服务器 安排 确认"),
        EMOJI(
                "utf-8",
                "Weekend 🎉 party plans 🚀 launch ✅ done 🍕 lunch? naïve café Ελληνικά συνάντηση τιμολόγιο zażółć gęślą"
                        + " jaźń שלום פגישה photos 📷 see you 👋");

        private final Charset charset;
        private final List<String> words;

        Tongue(String charset, String words) {
            this.charset = Charset.forName(charset);
            this.words = List.of(words.split(" "));
        }
    }

    public Mail next() {
        count++;
        now = now.plus(Duration.ofSeconds(30 + random.nextInt(3 * 3600)));
        Optional<Told> parent = !open.isEmpty() && random.nextInt(5) < 2
                ? Optional.of(open.get(random.nextInt(open.size())))
                : Optional.empty();
        Tongue tongue = parent.map(Told::tongue).orElseGet(this::tongue);
        String subject =
                parent.map(told -> answered(told.subject())).orElseGet(() -> words(tongue, 2 + random.nextInt(7)));
        String messageId = "<" + Long.toHexString(seed) + "." + count + "." + Integer.toHexString(random.nextInt())
                + "@mail.example.org>";
        List<String> references = new ArrayList<>();
        parent.ifPresent(told -> {
            references.addAll(told.references());
            references.add(told.messageId());
        });
        while (references.size() > REFERENCES_MAX) {
            references.remove(1);
        }
        open.add(new Told(messageId, subject, List.copyOf(references), tongue));
        if (open.size() > OPEN_THREADS) {
            open.removeFirst();
        }
        Lines mail = new Lines();
        headers(mail, messageId, subject, references, tongue);
        body(mail, tongue, Math.max(60, size() - HEADER_BYTES));
        return new Mail(messageId, subject, now, flags(), mail.bytes());
    }

    private Tongue tongue() {
        // Half English: the rest is what makes charsets matter.
        return random.nextBoolean() ? Tongue.ENGLISH : Tongue.values()[1 + random.nextInt(Tongue.values().length - 1)];
    }

    private static String answered(String subject) {
        return subject.startsWith("Re: ") ? subject : "Re: " + subject;
    }

    private int size() {
        double size = SIZE_MEDIAN * Math.exp(SIZE_SIGMA * random.nextGaussian());
        return (int) Math.min(SIZE_MAX, Math.max(SIZE_MIN, size));
    }

    private Set<String> flags() {
        Set<String> flags = new TreeSet<>();
        addByChance(flags, 70, "\\Seen");
        addByChance(flags, 12, "\\Answered");
        addByChance(flags, 6, "\\Flagged");
        addByChance(flags, 3, "$Forwarded");
        addByChance(flags, 2, "project-x");
        return flags;
    }

    private void addByChance(Set<String> flags, int percent, String flag) {
        if (random.nextInt(100) < percent) {
            flags.add(flag);
        }
    }

    private void headers(Lines mail, String messageId, String subject, List<String> references, Tongue tongue) {
        String date = DATE.format(now.atOffset(ZoneOffset.ofHours(random.nextInt(25) - 12)));
        mail.line("Return-Path: <sender" + count % 97 + "@example.org>");
        for (int hop = 1 + random.nextInt(2); hop > 0; hop--) {
            mail.line(
                    "Received: from relay" + hop + ".example.org (relay" + hop + ".example.org [192.0.2." + hop + "])");
            mail.line("\tby mx.example.com with ESMTPS id " + hex(12) + " for <" + recipient + ">;");
            mail.line("\t" + date);
        }
        mail.line("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s2;");
        mail.line("\th=from:to:subject:date:message-id; bh=" + base64Line(32) + ";");
        mail.line("\tb=" + base64Line(48));
        mail.line("\t " + base64Line(48));
        mail.line("Message-ID: " + messageId);
        mail.line("Date: " + date);
        mail.line("From: " + sender(tongue));
        mail.line("To: " + recipient);
        if (random.nextInt(4) == 0) {
            mail.line("Cc: Team <team@example.com>, \"Doe, J.\" <j.doe@example.org>");
        }
        mail.line("Subject: " + encoded(subject, tongue));
        if (!references.isEmpty()) {
            mail.line("In-Reply-To: " + references.getLast());
            mail.line("References: " + String.join("\r\n ", references));
        }
        if (random.nextInt(6) == 0) {
            mail.line("List-Id: <announce.example.org>");
            mail.line("List-Unsubscribe: <https://example.org/u/" + hex(8) + ">");
        }
        mail.line("MIME-Version: 1.0");
    }

    private String sender(Tongue tongue) {
        String name = words(tongue, 2);
        return encoded(name.replaceAll("[^\\p{L} ]", "x"), tongue) + " <sender" + count % 97 + "@example.org>";
    }

    /** RFC 2047, in the language's own charset or in UTF-8, as B or as Q. */
    private String encoded(String text, Tongue tongue) {
        if (text.chars().allMatch(c -> c < 128)) {
            return text;
        }
        boolean own = tongue.charset.newEncoder().canEncode(text) && random.nextBoolean();
        Charset charset = own ? tongue.charset : StandardCharsets.UTF_8;
        boolean asQ = charset.aliases().contains("latin1") || charset.name().startsWith("windows");
        List<String> words = new ArrayList<>();
        StringBuilder chunk = new StringBuilder();
        int[] codePoints = text.codePoints().toArray();
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

    private void body(Lines mail, Tongue tongue, int size) {
        boolean alternative = random.nextBoolean();
        boolean attached = random.nextInt(5) == 0;
        int texts = attached ? size / 2 : size;
        if (!attached) {
            content(mail, tongue, texts, alternative);
            return;
        }
        String boundary = "mixed_" + hex(16);
        mail.line("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"");
        mail.line("");
        mail.line("--" + boundary);
        content(mail, tongue, texts, alternative);
        int attachments = 1 + random.nextInt(2);
        for (int i = 0; i < attachments; i++) {
            mail.line("--" + boundary);
            attachment(mail, tongue, Math.max(30, (size - texts) / attachments * 3 / 4));
        }
        mail.line("--" + boundary + "--");
    }

    private void content(Lines mail, Tongue tongue, int size, boolean alternative) {
        if (!alternative) {
            text(mail, tongue, "plain", paragraphs(tongue, size));
            return;
        }
        String boundary = "alt_" + hex(16);
        String paragraphs = paragraphs(tongue, size * 2 / 5);
        mail.line("Content-Type: multipart/alternative; boundary=\"" + boundary + "\"");
        mail.line("");
        mail.line("--" + boundary);
        text(mail, tongue, "plain", paragraphs);
        mail.line("--" + boundary);
        text(mail, tongue, "html", html(paragraphs));
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
                .append(hex(12))
                .append(".gif\" width=\"1\" height=\"1\">\n</body></html>\n")
                .toString();
    }

    /** One text part in one of the transfer encodings; ISO-2022-JP is 7-bit by itself. */
    private void text(Lines mail, Tongue tongue, String subtype, String text) {
        boolean own = tongue.charset.newEncoder().canEncode(text) && random.nextInt(3) > 0;
        Charset charset = own ? tongue.charset : StandardCharsets.UTF_8;
        byte[] bytes = text.replace("\n", "\r\n").getBytes(charset);
        boolean sevenBit = true;
        for (byte b : bytes) {
            sevenBit &= b >= 0;
        }
        mail.line("Content-Type: text/" + subtype + "; charset=" + charset.name());
        if (sevenBit) {
            mail.line("Content-Transfer-Encoding: 7bit");
            mail.line("");
            mail.raw(bytes);
        } else if (tongue == Tongue.RUSSIAN || tongue == Tongue.CHINESE || tongue == Tongue.JAPANESE) {
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

    private void attachment(Lines mail, Tongue tongue, int size) {
        String name = words(tongue, 1);
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
        // RFC 2231: what is not ASCII is percent-encoded and names its charset.
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

    private String paragraphs(Tongue tongue, int size) {
        StringBuilder text = new StringBuilder();
        int line = 0;
        int bytes = 0;
        while (bytes < size) {
            String word = tongue.words.get(random.nextInt(tongue.words.size()));
            if (line + word.length() > LINE_LENGTH) {
                text.append(random.nextInt(6) == 0 ? "\n\n" : "\n");
                line = 0;
            } else if (line > 0) {
                text.append(' ');
                line++;
            }
            text.append(word);
            line += word.length();
            bytes += word.getBytes(tongue.charset).length + 1;
        }
        return text.append('\n').toString();
    }

    private String words(Tongue tongue, int number) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < number; i++) {
            words.add(tongue.words.get(random.nextInt(tongue.words.size())));
        }
        return String.join(" ", words);
    }

    private String hex(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(Character.forDigit(random.nextInt(16), 16));
        }
        return text.toString();
    }

    private String base64Line(int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return Base64.getEncoder().encodeToString(noise);
    }

    /** A message being written. */
    private static final class Lines {
        private static final byte[] LINE_END = {'\r', '\n'};
        private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);

        void line(String ascii) {
            out.writeBytes(ascii.getBytes(StandardCharsets.US_ASCII));
            out.writeBytes(LINE_END);
        }

        void raw(byte[] bytes) {
            out.writeBytes(bytes);
        }

        void base64(byte[] bytes) {
            out.writeBytes(Base64.getMimeEncoder().encode(bytes));
            out.writeBytes(LINE_END);
        }

        /** RFC 2045 section 6.7: lines of at most 76 characters, soft line breaks, no space at a line's end. */
        void quotedPrintable(byte[] bytes) {
            int column = 0;
            for (int i = 0; i < bytes.length; i++) {
                int b = bytes[i] & 0xFF;
                if (b == '\r') {
                    continue;
                }
                if (b == '\n') {
                    out.writeBytes(LINE_END);
                    column = 0;
                    continue;
                }
                boolean lastOfLine = i + 1 < bytes.length && bytes[i + 1] == '\r';
                boolean literal = b != '=' && (b > ' ' && b < 127 || b == ' ' && !lastOfLine);
                int width = literal ? 1 : 3;
                if (column + width > 75) {
                    out.write('=');
                    out.writeBytes(LINE_END);
                    column = 0;
                }
                if (literal) {
                    out.write(b);
                } else {
                    out.writeBytes(String.format("=%02X", b).getBytes(StandardCharsets.US_ASCII));
                }
                column += width;
            }
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
