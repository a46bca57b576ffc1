package org.postbus.mail.mime.encoding;

import com.beetstra.jutf7.CharsetProvider;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CoderMalfunctionError;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.mozilla.universalchardet.UniversalDetector;

/**
 * Decodes text whose charset is declared, wrongly declared or not declared at all. Labels have the meaning that
 * browsers give them (WHATWG Encoding Standard): {@code iso-8859-1} is windows-1252, {@code gb2312} is GB18030.
 */
public final class MailCharset {
    private static final int DETECT_BYTES_MAX = 8 * 1024;
    private static final int LABEL_LENGTH_MAX = 64;
    private static final Charset WINDOWS_1252 = Charset.forName("windows-1252");
    private static final Charset UTF_7 = new CharsetProvider().charsetForName("UTF-7");

    /** Labels that the JDK does not know, or knows with another meaning than browsers. */
    private static final Map<String, String> ALIASES = Map.ofEntries(
            Map.entry("utf8", "UTF-8"),
            Map.entry("unicode-1-1-utf-8", "UTF-8"),
            Map.entry("utf-8mb4", "UTF-8"),
            Map.entry("iso-8859-1", "windows-1252"),
            Map.entry("iso8859-1", "windows-1252"),
            Map.entry("iso_8859-1", "windows-1252"),
            Map.entry("latin1", "windows-1252"),
            Map.entry("l1", "windows-1252"),
            Map.entry("cp1252", "windows-1252"),
            Map.entry("x-cp1252", "windows-1252"),
            Map.entry("x-ansi", "windows-1252"),
            Map.entry("iso-8859-9", "windows-1254"),
            Map.entry("iso-8859-11", "x-windows-874"),
            Map.entry("tis-620", "x-windows-874"),
            Map.entry("windows-874", "x-windows-874"),
            Map.entry("iso-8859-8-i", "ISO-8859-8"),
            Map.entry("iso-8859-8-e", "ISO-8859-8"),
            Map.entry("x-cp1250", "windows-1250"),
            Map.entry("x-cp1251", "windows-1251"),
            Map.entry("gb2312", "GB18030"),
            Map.entry("gb_2312-80", "GB18030"),
            Map.entry("gbk", "GB18030"),
            Map.entry("x-gbk", "GB18030"),
            Map.entry("cp936", "GB18030"),
            Map.entry("shift_jis", "windows-31j"),
            Map.entry("shift-jis", "windows-31j"),
            Map.entry("sjis", "windows-31j"),
            Map.entry("x-sjis", "windows-31j"),
            Map.entry("cp932", "windows-31j"),
            Map.entry("iso-2022-jp", "x-windows-iso2022jp"),
            Map.entry("iso-2022-jp-ms", "x-windows-iso2022jp"),
            Map.entry("cp50220", "x-windows-iso2022jp"),
            Map.entry("euc-kr", "x-windows-949"),
            Map.entry("ks_c_5601-1987", "x-windows-949"),
            Map.entry("ksc5601", "x-windows-949"),
            Map.entry("cp949", "x-windows-949"),
            Map.entry("big5", "Big5-HKSCS"),
            Map.entry("big5-hkscs", "Big5-HKSCS"),
            Map.entry("macintosh", "x-MacRoman"),
            Map.entry("x-mac-roman", "x-MacRoman"),
            Map.entry("mac", "x-MacRoman"),
            Map.entry("x-mac-cyrillic", "x-MacCyrillic"),
            Map.entry("koi8-ru", "KOI8-U"),
            Map.entry("utf-16", "UTF-16LE"),
            Map.entry("unicode", "UTF-16LE"));

    /** Declared by software that did not know the charset: treated as not declared. */
    private static final Set<String> NO_CHARSET = Set.of(
            "",
            "us-ascii",
            "ascii",
            "ansi_x3.4-1968",
            "unknown",
            "unknown-8bit",
            "x-unknown",
            "binary",
            "8bit",
            "none",
            "default",
            "default_charset",
            "x-user-defined");

    private static final Set<String> UTF_7_LABELS = Set.of("utf-7", "unicode-1-1-utf-7", "x-utf-7", "utf7");

    private MailCharset() {}

    /** @param isEncodingProblem the text is a guess or has U+FFFD where bytes made no sense (RFC 8621 section 4.1.4) */
    public record Decoded(String text, boolean isEncodingProblem) {}

    /** @param isCutOff the bytes end early: half a character at the end is left out and is no problem */
    public static Decoded decode(byte[] bytes, Optional<String> label, boolean isCutOff) {
        String declared =
                label.map(text -> text.strip().toLowerCase(Locale.ROOT)).orElse("");
        Optional<Charset> charset = NO_CHARSET.contains(declared) ? Optional.empty() : find(declared);
        boolean isAscii = isAscii(bytes);
        if (isAscii && charset.map(MailCharset::isAsciiCompatible).orElse(true)) {
            return new Decoded(new String(bytes, StandardCharsets.ISO_8859_1), false);
        }
        if (charset.isPresent()) {
            Optional<String> exact = strict(bytes, charset.get(), isCutOff);
            if (exact.isPresent()) {
                return new Decoded(withoutByteOrderMark(exact.get()), false);
            }
            return new Decoded(
                    strict(bytes, StandardCharsets.UTF_8, isCutOff).orElseGet(() -> lenient(bytes, charset.get())),
                    true);
        }
        boolean unknownLabel = !NO_CHARSET.contains(declared);
        return strict(bytes, StandardCharsets.UTF_8, isCutOff)
                .map(text -> new Decoded(withoutByteOrderMark(text), unknownLabel))
                .orElseGet(() -> new Decoded(
                        detected(bytes)
                                .flatMap(found -> strict(bytes, found, isCutOff))
                                .orElseGet(() -> lenient(bytes, WINDOWS_1252)),
                        true));
    }

    /** Raw 8-bit text in a header: UTF-8 if it is that, else windows-1252. */
    public static String decodeRaw(byte[] bytes) {
        return isAscii(bytes)
                ? new String(bytes, StandardCharsets.ISO_8859_1)
                : strict(bytes, StandardCharsets.UTF_8, false).orElseGet(() -> lenient(bytes, WINDOWS_1252));
    }

    private static Optional<Charset> find(String label) {
        if (label.length() > LABEL_LENGTH_MAX) {
            return Optional.empty();
        }
        if (UTF_7_LABELS.contains(label)) {
            return Optional.of(UTF_7);
        }
        try {
            return Optional.of(Charset.forName(ALIASES.getOrDefault(label, label)));
        } catch (IllegalCharsetNameException | UnsupportedCharsetException unknown) {
            return Optional.empty();
        }
    }

    private static boolean isAsciiCompatible(Charset charset) {
        String name = charset.name();
        return !(name.equals("UTF-7")
                || name.startsWith("UTF-16")
                || name.startsWith("UTF-32")
                || name.contains("2022"));
    }

    private static Optional<String> strict(byte[] bytes, Charset charset, boolean isCutOff) {
        if (charset.equals(StandardCharsets.UTF_8)) {
            // Much faster than a decoder; U+FFFD stands for malformed bytes, or for itself.
            String text = new String(bytes, StandardCharsets.UTF_8);
            if (text.indexOf('\uFFFD') < 0) {
                return Optional.of(text);
            }
        }
        var decoder = charset.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        if (!isCutOff) {
            try {
                return Optional.of(decoder.decode(ByteBuffer.wrap(bytes)).toString());
            } catch (CharacterCodingException | RuntimeException | CoderMalfunctionError notThisCharset) {
                // CoderMalfunctionError: jutf7 on 8-bit bytes.
                return Optional.empty();
            }
        }
        try {
            CharBuffer text =
                    CharBuffer.allocate((int) Math.ceil(bytes.length * (double) decoder.maxCharsPerByte()) + 1);
            // endOfInput = false: an unfinished character at the end is left in the input.
            if (decoder.decode(ByteBuffer.wrap(bytes), text, false).isError()) {
                return Optional.empty();
            }
            return Optional.of(text.flip().toString());
        } catch (RuntimeException | CoderMalfunctionError notThisCharset) {
            return Optional.empty();
        }
    }

    private static String lenient(byte[] bytes, Charset charset) {
        try {
            return new String(bytes, charset);
        } catch (RuntimeException | CoderMalfunctionError undecodable) {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }

    private static Optional<Charset> detected(byte[] bytes) {
        var detector = new UniversalDetector();
        detector.handleData(bytes, 0, Math.min(bytes.length, DETECT_BYTES_MAX));
        detector.dataEnd();
        return Optional.ofNullable(detector.getDetectedCharset()).flatMap(name -> find(name.toLowerCase(Locale.ROOT)));
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte b : bytes) {
            if (b < 0) {
                return false;
            }
        }
        return true;
    }

    private static String withoutByteOrderMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }
}
