package org.postbus.mail.imap.fake;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation with an IMAP server, written down. One line, one step:
 *
 * <pre>
 * # a remark
 * S: * 3 EXISTS          the server sends the line and CRLF
 * S\: abc\r\n\x00        the server sends exactly these octets: \r \n \t \\ \xNN
 * C: A1 NOOP             the client must send exactly this line and CRLF
 * C\: {5}\r\nhello       the client must send exactly these octets
 * X: close               the server closes the connection
 * X: tls                 the server begins a TLS handshake
 * </pre>
 */
public record Transcript(String name, List<Step> steps) {

    public sealed interface Step {
        int line();

        record Send(int line, byte[] octets) implements Step {}

        record Expect(int line, byte[] octets) implements Step {}

        record Close(int line) implements Step {}

        record Tls(int line) implements Step {}
    }

    /** Whether the client has sent everything that it must send before {@code step}. */
    boolean expectsNothingAfter(Step step) {
        return steps.stream().noneMatch(later -> later.line() > step.line() && later instanceof Step.Expect);
    }

    /** @param path below {@code transcripts/} on the class path, such as {@code rfc/idle.txt} */
    public static Transcript read(String path) {
        try (InputStream in = Transcript.class.getResourceAsStream("/transcripts/" + path)) {
            if (in == null) {
                throw new IllegalArgumentException("there is no transcript " + path);
            }
            return parse(path, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static Transcript parse(String name, String text) {
        List<Step> steps = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\n", -1)) {
            number++;
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            if (line.startsWith("S:")) {
                steps.add(new Step.Send(number, octets(afterColon(line, 2) + "\r\n")));
            } else if (line.startsWith("S\\:")) {
                steps.add(new Step.Send(number, unescaped(afterColon(line, 3))));
            } else if (line.startsWith("C:")) {
                steps.add(new Step.Expect(number, octets(afterColon(line, 2) + "\r\n")));
            } else if (line.startsWith("C\\:")) {
                steps.add(new Step.Expect(number, unescaped(afterColon(line, 3))));
            } else if (line.equals("X: close")) {
                steps.add(new Step.Close(number));
            } else if (line.equals("X: tls")) {
                steps.add(new Step.Tls(number));
            } else {
                throw new IllegalArgumentException(name + " line " + number + ": " + line);
            }
        }
        return new Transcript(name, List.copyOf(steps));
    }

    private static String afterColon(String line, int colon) {
        return line.length() > colon && line.charAt(colon) == ' ' ? line.substring(colon + 1) : line.substring(colon);
    }

    private static byte[] octets(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] unescaped(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                out.writeBytes(octets(String.valueOf(c)));
                continue;
            }
            char escape = text.charAt(++i);
            switch (escape) {
                case 'r' -> out.write('\r');
                case 'n' -> out.write('\n');
                case 't' -> out.write('\t');
                case '\\' -> out.write('\\');
                case 'x' -> {
                    out.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
                    i += 2;
                }
                default -> throw new IllegalArgumentException("no such escape: \\" + escape);
            }
        }
        return out.toByteArray();
    }
}
