package org.postbus.fetcher;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/** Messages of all kinds, some of them malformed, drawn from a seed. They are a few KB in size, so that many can be read quickly. */
public final class OddMail {
    private static final List<String> MULTIPARTS =
            List.of("mixed", "mixed", "alternative", "alternative", "related", "digest", "signed", "x-other");
    private static final List<String> CHARSETS = List.of(
            "",
            "; charset=utf-8",
            "; charset=\"ISO-8859-1\"",
            "; charset=koi8-r",
            "; charset=x-unknown",
            "; format=flowed; charset=us-ascii",
            "; charset*=us-ascii'en'utf-8");
    private static final List<String> ENCODINGS = List.of("", "7bit", "8bit", "Quoted-Printable", "BASE64", "x-uue");
    private static final List<String> OTHER_TYPES = List.of(
            "application/pdf",
            "application/octet-stream; name=data.bin",
            "image/png; name=\"a b.png\"",
            "IMAGE/GIF",
            "text/calendar; method=REQUEST; charset=utf-8",
            "text/csv",
            "application/pgp-signature; name=signature.asc",
            "application/x-zip; name=\"=?utf-8?B?w6Qu?=zip\"",
            "audio/ogg");
    private static final List<String> DISPOSITIONS = List.of(
            "",
            "",
            "inline",
            "attachment",
            "attachment; filename=plain.txt",
            "ATTACHMENT; FILENAME=\"quoted \\\"name\\\".doc\"; size=12",
            "attachment; filename*=utf-8''%C3%A4%20b.pdf",
            "attachment;\r\n filename*0*=iso-8859-1''r%E9sum;\r\n filename*1=\"e.doc\"",
            "attachment; filename=\"=?iso-8859-1?Q?gr=FC=DFe.txt?=\"",
            "inline; filename=shown.jpg",
            "form-data; name=x");

    private final Random random;
    private int boundaries;

    public OddMail(Random random) {
        this.random = random;
    }

    public byte[] next() {
        ByteArrayOutputStream mail = new ByteArrayOutputStream();
        line(mail, "Message-ID: <" + random.nextLong() + "@odd.example.org>");
        line(mail, "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.org>");
        line(mail, "Subject: no. " + random.nextInt(1000) + (random.nextInt(5) == 0 ? "\r\n folded" : ""));
        for (int fill = random.nextInt(8); fill > 0; fill--) {
            line(mail, "X-Fill-" + fill + ": " + "y".repeat(random.nextInt(200)));
        }
        line(mail, "MIME-Version: 1.0");
        entity(mail, 0);
        return mail.toByteArray();
    }

    /** The rest of a header, and the body that it describes. */
    private void entity(ByteArrayOutputStream out, int depth) {
        int what = random.nextInt(10);
        if (depth < 4 && (depth == 0 ? what < 8 : what < 3)) {
            multipart(out, depth);
        } else if (what == 3 && depth > 0) {
            line(out, "Content-Type: message/rfc822");
            line(out, "");
            line(out, "Subject: inner");
            entity(out, depth + 1);
        } else if (what < 8) {
            text(out);
        } else {
            other(out);
        }
    }

    private void multipart(ByteArrayOutputStream out, int depth) {
        String boundary = "=_b" + ++boundaries + any(List.of("", "'()+_,-./:=?", " x"));
        line(out, "Content-Type: multipart/" + any(MULTIPARTS) + ";\r\n\tboundary=\"" + boundary + "\"");
        line(out, "");
        if (random.nextInt(3) == 0) {
            line(out, "This is a preamble.");
        }
        for (int parts = 1 + random.nextInt(4); parts > 0; parts--) {
            line(out, "--" + boundary + (random.nextInt(10) == 0 ? "  " : ""));
            if (random.nextInt(15) == 0) {
                line(out, "");
                line(out, "a part without a header");
            } else {
                entity(out, depth + 1);
            }
            line(out, "");
        }
        if (random.nextInt(12) > 0) {
            line(out, "--" + boundary + "--");
            if (random.nextInt(4) == 0) {
                line(out, "an epilogue");
            }
        }
    }

    private void text(ByteArrayOutputStream out) {
        boolean html = random.nextBoolean();
        if (random.nextInt(8) > 0) {
            line(out, "Content-Type: text/" + (html ? "html" : "plain") + any(CHARSETS));
        }
        String encoding = any(ENCODINGS);
        about(out, encoding, random.nextInt(5) > 0 ? "" : any(DISPOSITIONS));
        StringBuilder text = new StringBuilder(html ? "<html><p>" : "");
        for (int words = random.nextInt(400); words > 0; words--) {
            text.append(any(List.of("word ", "größe ", "日本 ", "line\r\n", "> quoted\r\n", "a=b ", "<b>bold</b> ")));
        }
        content(out, encoding, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void other(ByteArrayOutputStream out) {
        line(out, "Content-Type: " + any(OTHER_TYPES));
        if (random.nextInt(3) == 0) {
            line(out, "Content-ID: <cid" + random.nextInt(100) + "@odd.example.org>");
        }
        about(out, "base64", any(DISPOSITIONS));
        byte[] bytes = new byte[random.nextInt(6000)];
        random.nextBytes(bytes);
        content(out, "base64", bytes);
    }

    private void about(ByteArrayOutputStream out, String encoding, String disposition) {
        if (!encoding.isEmpty()) {
            line(out, "Content-Transfer-Encoding: " + encoding);
        }
        if (!disposition.isEmpty()) {
            line(out, "Content-Disposition: " + disposition);
        }
        if (random.nextInt(6) == 0) {
            line(out, "Content-Description: something");
        }
        line(out, "");
    }

    private static void content(ByteArrayOutputStream out, String encoding, byte[] bytes) {
        switch (encoding) {
            case "BASE64", "base64" -> out.writeBytes(Base64.getMimeEncoder().encode(bytes));
            case "Quoted-Printable" -> {
                int column = 0;
                for (byte b : bytes) {
                    boolean plain = b == '\r' || b == '\n' || b >= ' ' && b < 0x7F && b != '=';
                    out.writeBytes((plain ? "" + (char) b : String.format("=%02X", b & 0xFF))
                            .getBytes(StandardCharsets.US_ASCII));
                    column = b == '\n' ? 0 : column + 1;
                    if (column == 20) {
                        out.writeBytes("=\r\n".getBytes(StandardCharsets.US_ASCII));
                        column = 0;
                    }
                }
            }
            default -> out.writeBytes(bytes);
        }
    }

    private static void line(ByteArrayOutputStream out, String line) {
        out.writeBytes((line + "\r\n").getBytes(StandardCharsets.UTF_8));
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
