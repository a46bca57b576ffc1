package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.OtherServer;
import org.postbus.fetcher.SourceContract;

/**
 * What holds for an IMAP account on every server: after anything that another client does, the tables become equal to
 * the server. {@link RawImap}, which shares nothing with our client, reads the server and changes its mail; what is observed
 * is applied by the real writer.
 */
abstract class ImapSourceContract extends SourceContract {
    static final String PASSWORD = "secret";
    private static final int OPERATIONS = LONG ? 20_000 : 5_000;
    private static final AtomicInteger USERS = new AtomicInteger();

    final String user = "contract" + USERS.incrementAndGet()
            + getClass().getSimpleName().toLowerCase(Locale.ROOT) + OtherServer.RUN + "@example.com";
    Wiretap tap;
    RawImap other;

    abstract String host();

    /** Creates {@link #user} with {@link #PASSWORD}; the port of the server that it is on. */
    abstract int portOfNewUser();

    /** The hierarchy delimiter of mailbox names. */
    abstract char delimiter();

    /** The prefix of all mailbox names but INBOX. */
    String top() {
        return "";
    }

    @BeforeEach
    void start() {
        int port = portOfNewUser();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), POLL);
        tap = new Wiretap(host(), port);
        other = RawImap.login(host(), port, user, PASSWORD);
        account = fetcher.account(settings(), PASSWORD);
    }

    AccountSettings settings() {
        return new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", tap.port(), TlsMode.NONE), Optional.empty());
    }

    @AfterEach
    void stop() throws Exception {
        other.close();
        fetcher.close();
        tap.close();
    }

    @Test
    void existing_and_new_mail_is_synced() {
        String nested = name("Projects", "Alpha");
        other.create(name("Projects"));
        other.create(nested);
        fill("INBOX", 40);
        fill(nested, 15);

        fetcher.start(account);
        awaitEqual();
        fill("INBOX", 7);
        fill(nested, 3);
        awaitEqual();

        List<Long> uids = select("INBOX");
        other.addFlags(uids.subList(0, 5), "\\Flagged", "$Forwarded", "own-word");
        awaitEqual();
        other.removeFlags(uids.subList(2, 4), "\\Flagged", "own-word");
        awaitEqual();
        other.copy(uids.subList(20, 22), name("Projects"));
        other.copy(uids.subList(20, 21), "INBOX");
        awaitEqual();
        other.move(uids.subList(10, 15), nested);
        awaitEqual();
        other.expunge(uids.subList(30, 34));
        awaitEqual();
        other.expunge(select(nested));
        awaitEqual();
        nothingIsLeftOver();
    }

    @Test
    void mailboxes_are_created_renamed_and_deleted() {
        fill("INBOX", 5);
        fetcher.start(account);
        awaitEqual();
        other.create(name("Tree"));
        other.create(name("Tree", "Leaf"));
        other.create(name("Entw&APw-rfe"));
        fill(name("Tree", "Leaf"), 4);
        awaitEqual();
        Map<String, String> before = emailIds();

        other.rename(name("Tree"), name("Wood"));
        awaitEqual();
        assertThat(emailIds()).as("a renamed mailbox keeps its emails").isEqualTo(before);

        other.delete(name("Wood", "Leaf"));
        awaitEqual();
        other.create(name("Wood", "Leaf"));
        fill(name("Wood", "Leaf"), 2);
        awaitEqual();
        nothingIsLeftOver();
    }

    @Test
    void a_move_is_one_update_of_the_same_email() {
        List<String> mailboxes = List.of("INBOX", name("Able"), name("Zeta"), name("Able", "Deep"));
        mailboxes.stream().skip(1).forEach(other::create);
        fill("INBOX", 12);
        fetcher.start(account);
        awaitEqual();
        Map<String, String> before = emailIds();
        long seqBefore = changeSeq();

        for (int i = 1; i < mailboxes.size(); i++) {
            List<Long> uids = select(mailboxes.get(i - 1));
            String to = mailboxes.get(i);
            List<Long> some = uids.subList(0, 12 - 3 * i);
            betweenPasses(() -> other.move(some, to));
            awaitEqual();
        }
        List<Long> uids = select(name("Zeta"));
        betweenPasses(() -> other.move(uids, "INBOX"));
        awaitEqual();
        passes(3);

        assertThat(emailIds()).isEqualTo(before);
        assertThat(changesAfter(seqBefore))
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                .as("9 + 6 + 3 + 3 moves")
                .hasSize(21)
                .allMatch(change -> change instanceof ChangeEvent.EmailUpdated updated
                        && updated.mailboxIds().isPresent()
                        && updated.keywords().isEmpty());
    }

    @Test
    void an_unchanged_account_costs_the_same_few_commands_whatever_its_size() {
        fill("INBOX", 3);
        fetcher.start(account);
        awaitEqual();
        List<String> small = commandsOfAQuietPass();

        for (int i = 0; i < 15; i++) {
            other.create(name("More" + i));
        }
        fill("INBOX", 100);
        fill(name("More3"), 20);
        awaitEqual();
        List<String> large = commandsOfAQuietPass();

        // Without LIST-STATUS each mailbox is asked once.
        assertThat(large).hasSize(small.size() + (other.has("LIST-STATUS") ? 0 : 15));
        assertThat(large).noneMatch(command -> command.contains("FETCH") || command.contains("SEARCH"));
    }

    @Test
    void attachments_are_not_downloaded() {
        int attachment = 300_000;
        for (int i = 0; i < 40; i++) {
            String text = i == 7 ? "far from the beginning" : "text " + i;
            // Courier treats a message without MIME-Version as text.
            String raw = "Message-ID: <large" + i + "@example.org>\r\nMIME-Version: 1.0\r\n"
                    + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                    + (i == 7 ? attachment(attachment) : "--b\r\nContent-Type: text/plain\r\n\r\n" + text + "\r\n")
                    + (i == 7 ? "--b\r\nContent-Type: text/plain\r\n\r\n" + text + "\r\n" : attachment(attachment))
                    + "--b--\r\n";
            other.append("INBOX", List.of(), Instant.parse("2026-01-01T00:00:00Z"), raw.getBytes());
        }

        fetcher.start(account);
        awaitEqual();

        assertThat(account.read("""
                select count(*) filter (where preview in ('far from the beginning', 'text 0', 'text 39'))
                       || ' ' || count(*) filter (where has_attachment) || ' ' || count(*) from email where account_id = ?""")).isEqualTo("3 40 40");
        assertThat(tap.commands().stream().filter(command -> command.contains("BODYSTRUCTURE")))
                .as("32 at once")
                .hasSize(2);
        assertThat(tap.commands().stream().filter(command -> command.matches("UID FETCH .*BODY\\.PEEK\\[2]<0\\..*")))
                .as("the text that did not come with the beginning")
                .hasSize(1);
        assertThat(tap.commands()).noneMatch(command -> command.contains("BODY.PEEK[])"));
    }

    private static String attachment(int octets) {
        return "--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
                + "Content-Disposition: attachment; filename=a.pdf\r\n\r\n"
                + "QUJD".repeat(18).concat("\r\n").repeat(octets / 74);
    }

    /** The result of an interrupted pass: emails are stored, but according to the cursor they have not been read. */
    @Test
    void what_was_stored_beyond_the_cursor_may_vanish_before_it_is_read_again() {
        fill("INBOX", 30);
        fetcher.start(account);
        awaitEqual();
        fetcher.stop(account);
        account.update(
                "update sync_state set cursor = jsonb_set(cursor, '{uidNext}', '6') where account_id = ? and (cursor->>'uidNext')::int > 6",
                account.accountId().value());
        List<Long> uids = select("INBOX");
        other.expunge(uids.subList(10, 25));

        fetcher.start(account);
        awaitEqual();
        nothingIsLeftOver();
    }

    @Test
    void any_history_ends_with_both_sides_equal() {
        long seed = LONG ? System.nanoTime() : 20261122;
        Random random = new Random(seed);
        ImapHistory history = new ImapHistory(random, top(), delimiter(), this::reconnected);
        fetcher.start(account);
        int restartEvery = OPERATIONS / 5;
        int cutEvery = OPERATIONS / 12;
        while (history.operations() < OPERATIONS) {
            int done = history.operations();
            history.some();
            if (done / cutEvery != history.operations() / cutEvery) {
                tap.cut();
                history.reconnect();
            }
            if (done / restartEvery != history.operations() / restartEvery) {
                fetcher.stop(account);
                fetcher.start(account);
            }
        }
        awaitEqual("seed " + seed);
        nothingIsLeftOver();
        assertThat(tap.mostConnections()).as("connections at one time").isLessThanOrEqualTo(3);
    }

    // ---- Steps

    private int port = 0;

    private int portOf() {
        return port == 0 ? port = portOfNewUser() : port;
    }

    private RawImap reconnected() {
        other.close();
        other = RawImap.login(host(), portOf(), user, PASSWORD);
        return other;
    }

    String name(String... levels) {
        return top() + String.join(String.valueOf(delimiter()), levels);
    }

    List<Long> select(String mailbox) {
        boolean empty = other.select(mailbox).exists() == 0;
        return empty ? List.of() : other.uids().stream().sorted().toList();
    }

    void fill(String mailbox, int messages) {
        MailCorpus corpus = new MailCorpus(System.nanoTime(), user, Instant.parse("2026-01-01T00:00:00Z"));
        for (int i = 0; i < messages; i++) {
            MailCorpus.Mail mail = corpus.next();
            try {
                other.append(mailbox, mail.flags(), mail.date(), mail.raw());
            } catch (RawImap.RefusedException e) {
                // James in memory sometimes fails while it sends notifications (ConcurrentModificationException).
                other.append(mailbox, mail.flags(), mail.date(), mail.raw());
            }
        }
    }

    @Override
    public Map<String, List<String>> serverContent() {
        try (RawImap reading = RawImap.login(host(), portOf(), user, PASSWORD)) {
            return content(reading);
        }
    }

    @Override
    public Map<String, List<String>> stored() {
        return DirectWriter.content(fetcher.database, account.accountId(), true);
    }

    private static Map<String, List<String>> content(RawImap reading) {
        Map<String, List<String>> content = new TreeMap<>();
        for (RawImap.Listed mailbox : reading.list()) {
            if (mailbox.selectable()) {
                boolean empty = reading.select(mailbox.name()).exists() == 0;
                content.put(
                        mailbox.name(),
                        (empty ? List.<RawImap.Message>of() : reading.fetchAll())
                                .stream()
                                        .map(message -> message.uid() + " "
                                                + DirectWriter.line(
                                                        message.messageId()
                                                                .orElse("")
                                                                .replaceAll("[<>]", ""),
                                                        keywords(message.flags())))
                                        .sorted()
                                        .toList());
            }
        }
        return content;
    }

    private static Set<String> keywords(Set<String> flags) {
        return flags.stream()
                .filter(flag -> !flag.equalsIgnoreCase("\\Deleted") && !flag.equalsIgnoreCase("\\Recent"))
                .map(flag -> flag.toLowerCase(Locale.ROOT).replace('\\', '$'))
                .collect(Collectors.toSet());
    }

    /** Not even Dovecot's MOVE is atomic: a pass in the middle of it sees two copies and publishes two. */
    void betweenPasses(Runnable action) {
        tap.before("LIST", action);
    }

    private List<String> commandsOfAQuietPass() {
        passes(3);
        int before = tap.commands().size();
        // The first may have been in flight before.
        passes(3);
        List<String> all = tap.commands();
        List<String> quiet = new ArrayList<>(all.subList(before, all.size()));
        // IDLE may be renewed.
        quiet.removeIf(command -> command.startsWith("IDLE") || command.startsWith("DONE"));
        return quiet.stream().distinct().toList();
    }
}
