package org.postbus.gateway.it;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** Bodies that took long, or much memory, in this or another program. Each has as many octets as a route allows. */
final class WorstBody {
    /** Lists and objects of the API; every route gets all of them. */
    private static final List<String> PROPERTIES = List.of(
            "to",
            "replyTo",
            "attachments",
            "destroy",
            "update",
            "keywords",
            "mailboxIds",
            "imap",
            "smtp",
            "jmap",
            "trustedHosts",
            "scopes");

    private static final List<String> TEXTS =
            List.of("email", "name", "html", "subject", "inReplyTo", "sendAt", "parentId", "password", "status");

    private WorstBody() {}

    static Map<String, Supplier<byte[]>> json(int octetsMax) {
        Map<String, Supplier<byte[]>> bodies = new LinkedHashMap<>();
        bodies.put("unknown names", filled("{", "}", ",", i -> "\"n" + i + "\":1", octetsMax));
        bodies.put("names to be escaped", filled("{", "}", ",", i -> "\"\\ud800~/\\u0000" + i + "\":1", octetsMax));
        bodies.put("nested arrays", filled("", "", "", i -> "[", octetsMax));
        bodies.put("nested objects", filled("", "", "", i -> "{\"a\":", octetsMax));
        bodies.put("a long name", filled("{\"", "\":1}", "", i -> "n", octetsMax));
        bodies.put("a long number", filled("{\"port\":", "}", "", i -> "9", octetsMax));
        bodies.put("a long exponent", filled("{\"port\":1e", "}", "", i -> "9", octetsMax));
        bodies.put("nothing but spaces", filled("{", "", "", i -> " ", octetsMax));
        bodies.put("an open string", filled("{\"name\":\"", "", "", i -> "\\n", octetsMax));
        for (String property : PROPERTIES) {
            bodies.put(
                    "a list of objects: " + property,
                    filled("{\"" + property + "\":[", "]}", ",", i -> "{\"email\":\"a" + i + "@b.c\"}", octetsMax));
            bodies.put(
                    "an object: " + property,
                    filled("{\"" + property + "\":{", "}}", ",", i -> "\"n" + i + "\":true", octetsMax));
            bodies.put(
                    "ids: " + property,
                    filled(
                            "{\"" + property + "\":{",
                            "}}",
                            ",",
                            i -> "\"" + new UUID(7, i) + "\":{\"keywords\":{\"k\":true,\"K\":true,\"(\":1}}",
                            octetsMax));
        }
        for (String property : TEXTS) {
            bodies.put("a long text: " + property, filled("{\"" + property + "\":\"", "\"}", "", i -> "x", octetsMax));
            bodies.put(
                    "a domain of many characters: " + property,
                    filled("{\"" + property + "\":\"a@", "\"}", "", i -> "\u00fc\u3042", octetsMax));
        }
        bodies.put(
                "a message of letters that are encoded",
                filled("{\"to\":[{\"email\":\"a@b.c\"}],\"html\":\"", "\"}", "", i -> "\u00fc", octetsMax));
        bodies.put(
                "a message of empty lines",
                filled("{\"to\":[{\"email\":\"a@b.c\"}],\"text\":\"", "\"}", "", i -> "\\r", octetsMax));
        bodies.put(
                "a large attachment",
                filled(
                        "{\"to\":[{\"email\":\"a@b.c\"}],\"attachments\":[{\"content\":\"",
                        "AAAA\"}]}",
                        "",
                        i -> "AAAA",
                        octetsMax - 4));
        return bodies;
    }

    static Map<String, Supplier<byte[]>> message(int octetsMax) {
        Map<String, Supplier<byte[]>> bodies = new LinkedHashMap<>();
        bodies.put("a field of many lines", filled("To: a@b.c\nX: y\n", "\n\n", "", i -> " z\n", octetsMax));
        bodies.put("many fields", filled("To: a@b.c\n", "\n\n", "", i -> "x:\n", octetsMax));
        bodies.put(
                "many addresses", filled("From: a@b.c\nTo: a@b.c\n", "\n\n", "", i -> " ,a@b" + i + "\n", octetsMax));
        bodies.put(
                "nested comments",
                filled("From: a@b.c\nTo: ", "\n\n", "", i -> i % 900 == 0 ? "\n (" : "(", octetsMax));
        bodies.put("one line", filled("From: a@b.c\nTo: a@b.c\n\n", "", "", i -> "x", octetsMax));
        bodies.put("empty lines", filled("From: a@b.c\nTo: a@b.c\n\n", "", "", i -> "\n", octetsMax));
        bodies.put(
                "boundaries",
                filled(
                        "From: a@b.c\nTo: a@b.c\nContent-Type: multipart/mixed; boundary=x\n\n",
                        "",
                        "",
                        i -> "--x\n",
                        octetsMax));
        return bodies;
    }

    /** @param item in US-ASCII, or the same for every number */
    private static Supplier<byte[]> filled(
            String start, String end, String between, IntFunction<String> item, int octetsMax) {
        return () -> {
            int octets = octetsMax - start.length() - end.length();
            StringBuilder text = new StringBuilder(octetsMax).append(start);
            String first = item.apply(0);
            if (between.isEmpty() && first.equals(item.apply(1))) {
                text.repeat(first, octets / first.getBytes(StandardCharsets.UTF_8).length);
            } else {
                String next = first;
                for (int i = 1; text.length() - start.length() + next.length() <= octets; i++) {
                    text.append(next);
                    next = between + item.apply(i);
                }
            }
            return text.append(end).toString().getBytes(StandardCharsets.UTF_8);
        };
    }
}
