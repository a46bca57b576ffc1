package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.change.ChangeEvent;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.rawclient.RawJmap;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.SourceContract;

/**
 * What holds for a JMAP account on every server: after anything that another client does, the tables become equal to
 * the server. {@link RawJmap}, which shares nothing with our client, reads the server and changes its mail; what is
 * observed is applied by the real writer.
 */
abstract class JmapSourceContract extends SourceContract {
    private static final int OPERATIONS = LONG ? 10_000 : 3_000;
    /** How long a slow machine may need after the end of the history. */
    private static final Duration HISTORY_WAIT = Duration.ofMinutes(4);

    private static final int DISTURBANCES = LONG ? 100 : 24;

    RawJmap other;

    /** A user without any mail. */
    public record Login(URI sessionUrl, String user, String password) {}

    abstract Login newUser();

    /** More emails than one page of the server's or ours. */
    abstract int manyEmails();

    @BeforeEach
    void start() {
        Login login = newUser();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), POLL);
        other = RawJmap.login(login.sessionUrl(), login.user(), login.password());
        account = fetcher.account(new AccountSettings.Jmap(login.user(), login.sessionUrl()), login.password());
    }

    @AfterEach
    void stop() throws Exception {
        other.close();
        fetcher.close();
    }

    @Test
    void existing_and_new_mail_is_synced() {
        String inbox = inbox();
        String projects = mailbox("Projects", null);
        String alpha = mailbox("Alpha", projects);
        List<String> first = fill(inbox, manyEmails());
        List<String> nested = fill(alpha, 15);

        fetcher.start(account);
        awaitEqual();
        fill(inbox, 7);
        fill(alpha, 3);
        awaitEqual();

        patch(first.subList(0, 5), Map.of("keywords/$flagged", true, "keywords/own-word", true));
        awaitEqual();
        Map<String, Object> without = new HashMap<>();
        without.put("keywords/$flagged", null);
        patch(first.subList(2, 4), without);
        awaitEqual();
        patch(first.subList(20, 22), Map.of("mailboxIds/" + projects, true));
        awaitEqual();
        move(first.subList(10, 15), inbox, alpha);
        awaitEqual();
        other.destroy(first.subList(30, 34));
        awaitEqual();
        other.destroy(nested);
        awaitEqual();
        assertThat(account.read("select count(*) from email_body b join email e using (account_id, email_id)"
                        + " where account_id = ? and b.body::text like '%text %'"))
                .isEqualTo(account.read("select count(*) from email where account_id = ?"));
        nothingIsLeftOver();
    }

    @Test
    void mailboxes_are_created_renamed_moved_and_deleted() {
        fill(inbox(), 5);
        fetcher.start(account);
        awaitEqual();
        String tree = mailbox("Tree", null);
        String leaf = mailbox("Leaf", tree);
        mailbox("Entwürfe & mehr", null);
        fill(leaf, 4);
        awaitEqual();
        Map<String, String> before = emailIds();

        other.set("Mailbox", Map.of("update", Map.of(tree, Map.of("name", "Wood"))));
        awaitEqual();
        Map<String, Object> toTheTop = new HashMap<>();
        toTheTop.put("parentId", null);
        other.set("Mailbox", Map.of("update", Map.of(leaf, toTheTop)));
        awaitEqual();
        assertThat(emailIds())
                .as("a mailbox under another name or parent keeps its emails")
                .isEqualTo(before);

        other.set("Mailbox", Map.of("destroy", List.of(leaf), "onDestroyRemoveEmails", true));
        awaitEqual();
        fill(mailbox("Leaf", tree), 2);
        awaitEqual();
        nothingIsLeftOver();
    }

    @Test
    void a_move_is_one_update_of_the_same_email() {
        String from = inbox();
        List<String> emails = fill(from, 12);
        String able = mailbox("Able", null);
        fetcher.start(account);
        awaitEqual();
        passes(2);
        Map<String, String> before = emailIds();
        long seqBefore = changeSeq();

        move(emails.subList(0, 9), from, able);
        awaitEqual();
        move(emails.subList(0, 3), able, from);
        awaitEqual();
        passes(3);

        assertThat(emailIds()).isEqualTo(before);
        assertThat(changesAfter(seqBefore))
                // James sometimes fails, and an account in backoff reports it.
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated
                        || change instanceof ChangeEvent.AccountStateChanged))
                .as("9 + 3 moves")
                .hasSizeBetween(12, updatesOfAMoveMax() * 12)
                .allMatch(change -> change instanceof ChangeEvent.EmailUpdated updated
                        && updated.mailboxIds().isPresent()
                        && updated.keywords().isEmpty());
    }

    /** A server that copies and then deletes may be seen in between, with the email in both mailboxes. */
    abstract int updatesOfAMoveMax();

    @Test
    void any_history_ends_with_both_sides_equal() {
        long seed = LONG ? System.nanoTime() : 20261123;
        Random random = new Random(seed);
        JmapHistory history = new JmapHistory(random, other);
        fetcher.start(account);
        int restartEvery = OPERATIONS / 4;
        int disturbEvery = OPERATIONS / DISTURBANCES;
        while (history.operations() < OPERATIONS) {
            int done = history.operations();
            history.some();
            if (done / disturbEvery != history.operations() / disturbEvery) {
                disturb(random, history);
            }
            if (done / restartEvery != history.operations() / restartEvery) {
                fetcher.stop(account);
                fetcher.start(account);
            }
        }
        awaitEqual("seed " + seed, HISTORY_WAIT);
        nothingIsLeftOver();
    }

    /** A failure between the server and the fetcher. */
    void disturb(Random random, JmapHistory history) {}

    // ---- Steps

    private int made;

    String inbox() {
        return other.mailboxes().stream()
                .filter(mailbox -> mailbox.path("role").asText("").equals("inbox"))
                .findFirst()
                .orElseThrow()
                .get("id")
                .asText();
    }

    String mailbox(String name, String parent) {
        Map<String, Object> mailbox = new HashMap<>();
        mailbox.put("name", name);
        mailbox.put("parentId", parent);
        return other.set("Mailbox", Map.of("create", Map.of("m", mailbox)))
                .at("/created/m/id")
                .asText();
    }

    /** The ids of new emails in this mailbox, in the order in which they were made. */
    List<String> fill(String mailbox, int emails) {
        List<String> ids = new ArrayList<>();
        for (int from = 0; from < emails; from += 100) {
            Map<String, Object> create = new LinkedHashMap<>();
            for (int i = from; i < Math.min(emails, from + 100); i++) {
                create.put("e" + i, JmapHistory.message(mailbox, ++made));
            }
            JsonNode answer = other.set("Email", Map.of("create", create));
            assertThat(answer.path("notCreated")).isEmpty();
            JsonNode created = answer.get("created");
            create.keySet().forEach(key -> ids.add(created.get(key).get("id").asText()));
        }
        return ids;
    }

    void patch(List<String> emails, Map<String, Object> patch) {
        other.update(emails.stream().collect(Collectors.toMap(id -> id, id -> patch)));
    }

    void move(List<String> emails, String from, String to) {
        Map<String, Object> patch = new HashMap<>();
        patch.put("mailboxIds/" + to, true);
        patch.put("mailboxIds/" + from, null);
        patch(emails, patch);
    }

    @Override
    public void hint() {
        // A sync request ends the backoff.
        fetcher.requestSync(account.accountId());
    }

    @Override
    public Map<String, List<String>> stored() {
        return DirectWriter.content(fetcher.database, account.accountId(), false);
    }

    @Override
    public Map<String, List<String>> serverContent() {
        Map<String, JsonNode> mailboxes = new HashMap<>();
        other.mailboxes().forEach(mailbox -> mailboxes.put(mailbox.get("id").asText(), mailbox));
        Map<String, List<String>> content = new TreeMap<>();
        mailboxes.keySet().forEach(id -> content.put(path(mailboxes, id), new ArrayList<>()));
        for (JsonNode email : other.emails(other.emailIds(), "mailboxIds", "keywords", "messageId")) {
            String line = DirectWriter.line(email.path("messageId").path(0).asText(""), names(email.get("keywords")));
            names(email.get("mailboxIds"))
                    .forEach(id -> content.get(path(mailboxes, id)).add(line));
        }
        content.values().forEach(lines -> lines.sort(null));
        return content;
    }

    private static String path(Map<String, JsonNode> mailboxes, String id) {
        JsonNode mailbox = mailboxes.get(id);
        String name = mailbox.get("name").asText();
        return mailbox.path("parentId").isTextual()
                ? path(mailboxes, mailbox.get("parentId").asText()) + "." + name
                : name;
    }

    private static Set<String> names(JsonNode map) {
        return map.properties().stream().map(Map.Entry::getKey).collect(Collectors.toSet());
    }
}
