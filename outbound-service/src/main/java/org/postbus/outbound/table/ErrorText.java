package org.postbus.outbound.table;

/** The error texts of servers as the tables hold them. */
final class ErrorText {
    private static final int LENGTH_MAX = 1_000;

    private ErrorText() {}

    /** At most {@value #LENGTH_MAX} characters, and without U+0000, which PostgreSQL cannot store. */
    static String storable(String text) {
        String clean = text.replace('\0', ' ');
        return clean.length() <= LENGTH_MAX ? clean : clean.substring(0, LENGTH_MAX);
    }
}
