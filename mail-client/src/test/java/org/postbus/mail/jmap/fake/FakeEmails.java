package org.postbus.mail.jmap.fake;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.AbstractList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The emails of {@link FakeJmapServer}: those that were added, and after them, as the oldest, any number of generated
 * emails that are computed from their number on access. Of the generated ones only changes take memory, and a page of
 * ids costs no more than the page. They are seen, in one mailbox, and have 1 KB.
 *
 * @param blobs receives the content of generated emails before they are changed or destroyed
 */
final class FakeEmails {
    private static final Pattern MADE_UP_ID = Pattern.compile("0000000([0-9])-0000-4000-8000-1([0-9]{11})");
    private static final Pattern MADE_UP_BLOB = Pattern.compile("B-made-up-([0-9]{1,9})");
    private static final Instant NEWEST_MADE_UP = Instant.parse("2001-01-01T00:00:00Z");
    private static final String WORDS = "no word of this was ever written ".repeat(30);

    private final Map<String, Buffer> blobs;
    private final Map<String, ObjectNode> added = new LinkedHashMap<>();
    private final Map<Integer, ObjectNode> changed = new HashMap<>();
    private final NavigableSet<Integer> destroyed = new TreeSet<>();
    private String mailboxOfMadeUp = "";
    private int madeUp;
    private int numbering;

    /** @param blobs gets the content of those that were made up before they are changed or destroyed */
    FakeEmails(Map<String, Buffer> blobs) {
        this.blobs = blobs;
    }

    static ObjectNode email(String id, String mailboxId, String receivedAt, String subject, String text) {
        ObjectNode email = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("blobId", "B" + id)
                .put("threadId", "T" + id);
        email.putObject("mailboxIds").put(mailboxId, true);
        email.putObject("keywords");
        email.put("size", text.length()).put("receivedAt", receivedAt).put("subject", subject);
        email.putArray("messageId").add(id + "@example.com");
        email.putArray("from").addObject().put("name", "Ann").put("email", "ann@example.com");
        email.put("hasAttachment", false).put("preview", text.substring(0, Math.min(text.length(), 256)));
        ObjectNode part = email.putArray("textBody").addObject();
        part.put("partId", "1").put("blobId", "B" + id + "-1").put("size", text.length());
        part.put("type", "text/plain").put("charset", "utf-8");
        email.putArray("htmlBody").add(part.deepCopy());
        email.putArray("attachments");
        email.putObject("bodyValues")
                .putObject("1")
                .put("value", text)
                .put("isEncodingProblem", false)
                .put("isTruncated", false);
        return email;
    }

    static Buffer content(ObjectNode email) {
        return Buffer.buffer("Subject: " + email.path("subject").asText() + "\r\n\r\n"
                + email.at("/bodyValues/1/value").asText());
    }

    void makeUp(String mailboxId, int emails) {
        mailboxOfMadeUp = mailboxId;
        madeUp = emails;
    }

    /** Gives all generated emails other ids. */
    void reassignIds() {
        numbering++;
        changed.forEach((number, email) -> email.put("id", madeUpId(numbering, number)));
    }

    static String madeUpId(int numbering, int number) {
        return "0000000%d-0000-4000-8000-1%011d".formatted(numbering, number);
    }

    private ObjectNode madeUp(int number) {
        ObjectNode email = email(
                madeUpId(numbering, number),
                mailboxOfMadeUp,
                NEWEST_MADE_UP.minusSeconds(60L * number).toString(),
                "no. " + number,
                "text " + number + " " + WORDS);
        ((ObjectNode) email.path("keywords")).put("$seen", true);
        email.putArray("messageId").add(number + "@example.com");
        return email.put("blobId", "B-made-up-" + number).put("threadId", "T-made-up-" + number);
    }

    /** The number of a generated email that exists, else -1. */
    private int number(String id) {
        Matcher parts = MADE_UP_ID.matcher(id);
        if (!parts.matches() || Integer.parseInt(parts.group(1)) != numbering) {
            return -1;
        }
        long number = Long.parseLong(parts.group(2));
        return number < madeUp && !destroyed.contains((int) number) ? (int) number : -1;
    }

    /** Not to be changed; null if there is none. */
    ObjectNode get(String id) {
        int number = number(id);
        return number < 0 ? added.get(id) : changed.containsKey(number) ? changed.get(number) : madeUp(number);
    }

    /** The email itself; null if there is none. */
    ObjectNode toChange(String id) {
        int number = number(id);
        return number < 0
                ? added.get(id)
                : changed.computeIfAbsent(number, untouched -> {
                    ObjectNode email = madeUp(number);
                    blobs.put(email.path("blobId").asText(), content(email));
                    return email;
                });
    }

    void add(ObjectNode email) {
        added.put(email.path("id").asText(), email);
    }

    /** Null if there was none. */
    ObjectNode remove(String id) {
        ObjectNode email = toChange(id);
        int number = number(id);
        if (number < 0) {
            added.remove(id);
        } else {
            changed.remove(number);
            destroyed.add(number);
        }
        return email;
    }

    /** Null if there is none. */
    Buffer blob(String blobId) {
        Matcher number = MADE_UP_BLOB.matcher(blobId);
        return number.matches() && !blobs.containsKey(blobId)
                ? content(madeUp(Integer.parseInt(number.group(1))))
                : blobs.get(blobId);
    }

    /** The ids of the added emails in the given order, then of the generated ones. */
    List<String> ids() {
        return inOrder(List.copyOf(added.keySet()));
    }

    /** {@code {total, unread}} of a mailbox. */
    long[] counts(String mailboxId) {
        long untouched = mailboxId.equals(mailboxOfMadeUp) ? madeUp - destroyed.size() - changed.size() : 0;
        long[] counts = {untouched, 0};
        Stream.concat(added.values().stream(), changed.values().stream())
                .filter(email -> email.path("mailboxIds").has(mailboxId))
                .forEach(email -> {
                    counts[0]++;
                    counts[1] += email.path("keywords").has("$seen") ? 0 : 1;
                });
        return counts;
    }

    List<String> newestFirst() {
        return inOrder(added.values().stream()
                .sorted(Comparator.comparing(
                                (ObjectNode email) -> email.path("receivedAt").asText())
                        .reversed())
                .map(email -> email.path("id").asText())
                .toList());
    }

    /** Call it before anything changes. */
    private List<String> inOrder(List<String> first) {
        return new AbstractList<>() {
            @Override
            public String get(int index) {
                return index < first.size() ? first.get(index) : madeUpId(numbering, numberAt(index - first.size()));
            }

            @Override
            public int size() {
                return first.size() + madeUp - destroyed.size();
            }

            @Override
            public int indexOf(Object id) {
                int number = number((String) id);
                return number < 0
                        ? first.indexOf(id)
                        : first.size() + number - destroyed.headSet(number).size();
            }
        };
    }

    private int numberAt(int index) {
        int number = index;
        for (int gone : destroyed) {
            if (gone > number) {
                break;
            }
            number++;
        }
        return number;
    }
}
