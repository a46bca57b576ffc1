package org.postbus.mail.mime.header;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.model.EmailAddress;

/**
 * Reads an address field (RFC 5322 section 3.4) as {@code asAddresses} does (RFC 8621 section 4.1.2.3): groups are
 * flattened. It accepts missing brackets, bare names, and encoded words with commas or in quotes.
 */
public final class AddressList {
    private static final int ADDRESSES_MAX = 5000;

    private final String field;
    private final List<EmailAddress> addresses = new ArrayList<>();
    private final StringBuilder phrase = new StringBuilder();
    private final StringBuilder bare = new StringBuilder();
    private String comment = "";
    private String angle;
    private int position;

    private AddressList(String field) {
        this.field = field;
    }

    /** @param field unfolded, a char per byte */
    public static List<EmailAddress> parse(String field) {
        var list = new AddressList(field);
        list.read();
        return list.addresses;
    }

    private void read() {
        while (position < field.length() && addresses.size() < ADDRESSES_MAX) {
            char c = field.charAt(position);
            switch (c) {
                case '"' -> quoted();
                case '(' -> comment = comment();
                case '<' -> angle();
                case ',', ';' -> {
                    position++;
                    end();
                }
                case ':' -> {
                    position++;
                    if (angle == null && bare.indexOf("@") < 0) {
                        // The text before it is the name of a group.
                        clear();
                    } else {
                        append(c);
                    }
                }
                case '=' -> {
                    Optional<HeaderText.EncodedWord> word = field.startsWith("=?", position)
                            ? HeaderText.EncodedWord.at(field, position)
                            : Optional.empty();
                    int end = word.map(HeaderText.EncodedWord::end).orElse(position + 1);
                    String text = field.substring(position, end);
                    phrase.append(text);
                    bare.append(text);
                    position = end;
                }
                default -> {
                    position++;
                    append(c);
                }
            }
        }
        end();
    }

    private void append(char c) {
        if (angle == null) {
            phrase.append(c);
            bare.append(c);
        }
    }

    private void quoted() {
        int start = position++;
        var text = new StringBuilder();
        while (position < field.length()) {
            char c = field.charAt(position++);
            if (c == '\\' && position < field.length()) {
                text.append(field.charAt(position++));
            } else if (c == '"') {
                break;
            } else {
                text.append(c);
            }
        }
        if (angle == null) {
            phrase.append(text);
            bare.append(field, start, position);
        }
    }

    private String comment() {
        var text = new StringBuilder();
        int depth = 0;
        while (position < field.length()) {
            char c = field.charAt(position++);
            if (c == '\\' && position < field.length()) {
                text.append(field.charAt(position++));
            } else if (c == '(') {
                if (depth++ > 0) {
                    text.append(c);
                }
            } else if (c == ')') {
                if (--depth == 0) {
                    break;
                }
                text.append(c);
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    /** Up to {@code >}, or to the comma if it is missing. */
    private void angle() {
        int start = ++position;
        boolean quoted = false;
        int comma = -1;
        while (position < field.length()) {
            char c = field.charAt(position);
            if (c == '"') {
                quoted = !quoted;
            } else if (c == '>' && !quoted) {
                break;
            } else if (c == ',' && !quoted && comma < 0) {
                comma = position;
            } else if (c == '<' && comma >= 0) {
                position = comma;
                break;
            }
            position++;
        }
        if (position >= field.length() && comma >= 0) {
            position = comma;
        }
        if (angle == null) {
            angle = field.substring(start, position);
        }
        if (position < field.length() && field.charAt(position) == '>') {
            position++;
        }
    }

    private void end() {
        if (angle != null) {
            add(text(phrase.toString()).or(() -> text(comment)), address(angle));
        } else {
            String text = bare.toString().strip();
            if (!text.isEmpty()) {
                addBare(text);
            }
        }
        clear();
    }

    /** Without angle brackets: an address, an address after a name, or anything else. */
    private void addBare(String text) {
        int blank = Math.max(text.lastIndexOf(' '), text.lastIndexOf('\t'));
        String last = text.substring(blank + 1);
        if (blank > 0 && last.indexOf('@') > 0 && !text.substring(blank).contains("\"")) {
            String name = phrase.toString().strip();
            add(text(name.substring(0, Math.max(0, name.length() - last.length()))), address(last));
        } else {
            add(text(comment), address(text));
        }
    }

    private void add(Optional<String> name, String email) {
        addresses.add(new EmailAddress(name, email));
    }

    private static Optional<String> text(String bytes) {
        String text = HeaderText.decode(bytes).strip();
        // Names are often quoted twice over: "'Ann'" or, inside an encoded word, "\"Ann\"".
        if (text.length() > 1 && text.charAt(0) == '"' && text.charAt(text.length() - 1) == '"') {
            text = text.substring(1, text.length() - 1).strip();
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private static String address(String bytes) {
        String text = bytes.contains("=?") ? HeaderText.decode(bytes) : HeaderText.raw(bytes);
        text = text.strip();
        // RFC 5322 section 4.4: a source route, <@a,@b:joe@example.com>.
        if (text.startsWith("@") && text.indexOf(':') > 0) {
            text = text.substring(text.indexOf(':') + 1);
        }
        int at = text.lastIndexOf('@');
        return at < 0
                ? text
                : text.substring(0, at).stripTrailing() + "@"
                        + text.substring(at + 1).stripLeading();
    }

    private void clear() {
        phrase.setLength(0);
        bare.setLength(0);
        comment = "";
        angle = null;
    }
}
