package org.postbus.devstack.corpus;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Generates mail that resembles a mailbox of some years; the same seed gives the same bytes. Sizes are log-normal around 3 KB, half of
 * the messages are multipart/alternative, a fifth have attachments, two fifths reply to an earlier one. There are seven languages and as
 * many charsets. All addresses are of {@code example.com} and {@code example.org}.
 *
 * <p>Not thread safe: a message may reply to the one generated before it.
 */
public final class MailCorpus {
    private static final double SIZE_MEDIAN = 3000;
    private static final double SIZE_SIGMA = 1.0;
    private static final int SIZE_MIN = 700;
    private static final int SIZE_MAX = 512 * 1024;
    /** The headers' usual share of a message's size. */
    private static final int HEADER_BYTES = 900;
    /** How many of the latest messages may still get a reply. */
    private static final int ANSWERABLE_MAX = 40;

    private static final int REFERENCES_MAX = 12;

    private final Random random;
    private final RandomText text;
    private final MailHeaders headers;
    private final MailBody body;
    private final long seed;
    private final List<Answerable> answerable = new ArrayList<>();
    private Instant now;
    private int count;

    /**
     * @param recipient the mailbox's own address
     * @param from the date of the first message; each next one is some minutes or hours later
     */
    public MailCorpus(long seed, String recipient, Instant from) {
        this.random = new Random(seed);
        this.text = new RandomText(random);
        this.headers = new MailHeaders(random, text, recipient);
        this.body = new MailBody(random, text);
        this.seed = seed;
        this.now = from;
    }

    /**
     * One message.
     *
     * @param messageId with its angle brackets
     * @param date for INTERNALDATE; the Date header has the same
     * @param flags IMAP flags that the message's owner may have set by now
     * @param raw with CRLF line ends; a few messages contain 8-bit text
     */
    public record Mail(String messageId, String subject, Instant date, Set<String> flags, byte[] raw) {}

    /** The parts of a message that a reply refers to. */
    private record Answerable(String messageId, String subject, List<String> references, Language language) {}

    public Mail next() {
        count++;
        now = now.plus(Duration.ofSeconds(30 + random.nextInt(3 * 3600)));
        Optional<Answerable> parent = !answerable.isEmpty() && random.nextInt(5) < 2
                ? Optional.of(answerable.get(random.nextInt(answerable.size())))
                : Optional.empty();
        Language language = parent.map(Answerable::language).orElseGet(this::language);
        String subject = parent.map(earlier -> answered(earlier.subject()))
                .orElseGet(() -> text.words(language, 2 + random.nextInt(7)));
        String messageId = "<" + Long.toHexString(seed) + "." + count + "." + Integer.toHexString(random.nextInt())
                + "@mail.example.org>";
        List<String> references = new ArrayList<>();
        parent.ifPresent(earlier -> {
            references.addAll(earlier.references());
            references.add(earlier.messageId());
        });
        while (references.size() > REFERENCES_MAX) {
            references.remove(1);
        }
        answerable.add(new Answerable(messageId, subject, List.copyOf(references), language));
        if (answerable.size() > ANSWERABLE_MAX) {
            answerable.removeFirst();
        }
        MimeLines mail = new MimeLines();
        headers.write(mail, count, now, messageId, subject, references, language);
        body.write(mail, language, Math.max(60, size() - HEADER_BYTES));
        return new Mail(messageId, subject, now, flags(), mail.bytes());
    }

    private Language language() {
        // Half English; the other half needs charsets beyond ASCII.
        return random.nextBoolean()
                ? Language.ENGLISH
                : Language.values()[1 + random.nextInt(Language.values().length - 1)];
    }

    private static String answered(String subject) {
        return subject.startsWith("Re: ") ? subject : "Re: " + subject;
    }

    private int size() {
        double size = SIZE_MEDIAN * Math.exp(SIZE_SIGMA * random.nextGaussian());
        return (int) Math.min(SIZE_MAX, Math.max(SIZE_MIN, size));
    }

    private Set<String> flags() {
        Set<String> flags = new TreeSet<>();
        addByChance(flags, 70, "\\Seen");
        addByChance(flags, 12, "\\Answered");
        addByChance(flags, 6, "\\Flagged");
        addByChance(flags, 3, "$Forwarded");
        addByChance(flags, 2, "project-x");
        return flags;
    }

    private void addByChance(Set<String> flags, int percent, String flag) {
        if (random.nextInt(100) < percent) {
            flags.add(flag);
        }
    }
}
