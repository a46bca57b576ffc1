package org.postbus.mail.imap.grammar.response;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** Reads values of any shape: as a tree, as the octets that came, or not at all. */
final class AnyValue {
    /** Values in one tree, lists included: some hundred parts of a message. Each takes up to 100 bytes of memory. */
    private static final int VALUES_MAX = 10_000;

    private final ImapReader in;
    private int values;

    private AnyValue(ImapReader in) {
        this.in = in;
    }

    /**
     * One value as a tree.
     *
     * @throws ImapSyntaxException also if it has more values, or is nested deeper, than the limits allow
     */
    static ImapValue read(ImapReader in) {
        return new AnyValue(in).read(0);
    }

    private ImapValue read(int depth) {
        if (++values > VALUES_MAX) {
            throw new ImapSyntaxException("more than " + VALUES_MAX + " values");
        }
        in.skipSpaces();
        if (!in.take('(')) {
            return in.takeNil() ? new ImapValue.Nil() : new ImapValue.Text(in.string());
        }
        if (depth == in.nestingMax()) {
            throw new ImapSyntaxException("nested deeper than " + in.nestingMax());
        }
        List<ImapValue> list = new ArrayList<>();
        while (true) {
            in.skipSpaces();
            if (in.take(')')) {
                return new ImapValue.Values(list);
            }
            list.add(read(depth + 1));
        }
    }

    /** Passes over one value: a list of any depth, a string, or an atom with brackets. */
    static void skip(ImapReader in) {
        int depth = 0;
        do {
            in.skipSpaces();
            int c = in.peek();
            if (c == -1) {
                throw new ImapSyntaxException("a value without an end");
            } else if (c == '(') {
                in.skipOctets(1);
                depth++;
            } else if (c == ')') {
                if (depth == 0) {
                    throw new ImapSyntaxException("expected a value");
                }
                in.skipOctets(1);
                depth--;
            } else if (c == '"') {
                in.quoted();
            } else if (in.atLiteral()) {
                in.literal();
            } else {
                in.skipAtom();
            }
        } while (depth > 0);
    }

    /** The octets of one value; literals in it become quoted strings. A value that is only a string comes without quotes. */
    static byte[] raw(ImapReader in) {
        if (in.peek() == '"' || in.atLiteral()) {
            return in.string();
        }
        ImapReader.Mark from = in.mark();
        skip(in);
        ImapReader.Mark to = in.mark();
        if (to.literalsRead() == from.literalsRead()) {
            return in.octets(from, to);
        }
        ByteArrayOutputStream raw = new ByteArrayOutputStream();
        in.reset(from);
        boolean quoted = false;
        while (in.isBefore(to)) {
            if (!quoted && in.atLiteral()) {
                writeQuoted(in.literal(), raw);
                continue;
            }
            int c = in.next();
            raw.write(c);
            if (c == '"') {
                quoted = !quoted;
            } else if (quoted && c == '\\' && in.isBefore(to)) {
                raw.write(in.next());
            }
        }
        return raw.toByteArray();
    }

    private static void writeQuoted(byte[] literal, ByteArrayOutputStream raw) {
        raw.write('"');
        for (byte c : literal) {
            if (c == '"' || c == '\\') {
                raw.write('\\');
            }
            raw.write(c);
        }
        raw.write('"');
    }
}
