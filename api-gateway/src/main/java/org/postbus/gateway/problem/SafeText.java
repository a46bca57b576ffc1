package org.postbus.gateway.problem;

/** Text of a request in an answer: short, and valid Unicode. Pure. */
final class SafeText {
    private static final char REPLACEMENT = '\uFFFD';
    private static final String CUT = "…";

    private SafeText() {}

    /**
     * The text's beginning, with U+FFFD for each control character and each surrogate without its other half.
     *
     * @param lengthMax in UTF-16 code units
     */
    static String of(String text, int lengthMax) {
        int length = Math.min(text.length(), lengthMax);
        StringBuilder safe = new StringBuilder(length + CUT.length());
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                safe.append(c).append(text.charAt(++i));
            } else {
                safe.append(Character.isSurrogate(c) || Character.isISOControl(c) ? REPLACEMENT : c);
            }
        }
        return (length < text.length() ? safe.append(CUT) : safe).toString();
    }
}
