package org.postbus.devstack.rawclient;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits a response, given as lines and the literals between them, into tokens: strings for atoms and quoted strings, {@link Literal}s,
 * and lists of tokens for parentheses. The text of status responses ({@code OK} and the like) is split at its spaces.
 */
final class ImapTokens {
    /** {@code * }: responses without a tag of their own start with these characters. */
    private static final int TAG_LENGTH = 2;

    private final List<Object> pieces;
    private int piece;
    private int position;

    /** @param pieces strings and {@link Literal}s in the order in which they were read */
    ImapTokens(List<Object> pieces) {
        this.pieces = pieces;
    }

    /** Bytes whose length the server sent first (RFC 9051 section 4.3); as text they are Latin-1. */
    record Literal(byte[] bytes) {
        @Override
        public String toString() {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }

    /** The tokens after {@code *}. */
    List<Object> afterTag() {
        position = TAG_LENGTH;
        return list();
    }

    private List<Object> list() {
        List<Object> items = new ArrayList<>();
        while (piece < pieces.size()) {
            if (pieces.get(piece) instanceof Literal literal) {
                items.add(literal);
                nextPiece();
                continue;
            }
            String line = (String) pieces.get(piece);
            if (position >= line.length()) {
                nextPiece();
                continue;
            }
            char c = line.charAt(position);
            if (c == ' ') {
                position++;
            } else if (c == '(') {
                position++;
                items.add(list());
            } else if (c == ')') {
                position++;
                return items;
            } else if (c == '"') {
                items.add(quotedString(line));
            } else {
                items.add(atom(line));
            }
        }
        return items;
    }

    private void nextPiece() {
        piece++;
        position = 0;
    }

    private String quotedString(String line) {
        StringBuilder text = new StringBuilder();
        for (position++; position < line.length() && line.charAt(position) != '"'; position++) {
            if (line.charAt(position) == '\\' && position + 1 < line.length()) {
                position++;
            }
            text.append(line.charAt(position));
        }
        position++;
        return text.toString();
    }

    /** Brackets and their content are part of the atom: {@code BODY[HEADER.FIELDS (MESSAGE-ID)]}. */
    private String atom(String line) {
        int start = position;
        int depth = 0;
        while (position < line.length()) {
            char c = line.charAt(position);
            if (c == '[') {
                depth++;
            } else if (c == ']') {
                depth--;
            } else if (depth <= 0 && (c == ' ' || c == '(' || c == ')')) {
                break;
            }
            position++;
        }
        return line.substring(start, position);
    }
}
