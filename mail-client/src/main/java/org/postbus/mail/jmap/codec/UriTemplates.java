package org.postbus.mail.jmap.codec;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The URI templates of a session (RFC 6570 level 1, RFC 8620 section 2). */
public final class UriTemplates {
    private static final Pattern VARIABLE = Pattern.compile("\\{([^{}]*)}");
    private static final Pattern ABSOLUTE = Pattern.compile("^[A-Za-z][A-Za-z0-9+.-]*:.*");

    private UriTemplates() {}

    /** Replaces each variable by its percent-encoded value; an unknown one by nothing. */
    public static String expand(String template, Map<String, String> values) {
        Matcher variables = VARIABLE.matcher(template);
        var expanded = new StringBuilder();
        while (variables.find()) {
            variables.appendReplacement(
                    expanded, Matcher.quoteReplacement(encode(values.getOrDefault(variables.group(1), ""))));
        }
        return variables.appendTail(expanded).toString();
    }

    /** Makes a relative template absolute. {@link URI#resolve} would refuse the braces. */
    static String resolve(URI base, String template) {
        if (ABSOLUTE.matcher(template).matches()) {
            return template;
        }
        String origin = base.getScheme() + "://" + base.getRawAuthority();
        if (template.startsWith("//")) {
            return base.getScheme() + ":" + template;
        }
        if (template.startsWith("/")) {
            return origin + template;
        }
        String path = base.getRawPath() == null ? "" : base.getRawPath();
        return origin + path.substring(0, path.lastIndexOf('/') + 1) + (path.isEmpty() ? "/" : "") + template;
    }

    /** All but RFC 3986's unreserved characters. */
    private static String encode(String value) {
        var encoded = new StringBuilder();
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            if (c < 0x80 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)) {
                encoded.append(c);
            } else {
                encoded.append('%').append(String.format("%02X", (int) c));
            }
        }
        return encoded.toString();
    }
}
