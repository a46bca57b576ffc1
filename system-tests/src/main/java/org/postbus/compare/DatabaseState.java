package org.postbus.compare;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.compare.MailState.MailboxState;
import org.postbus.compare.MailState.Placed;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;

/**
 * Everything that the database holds of an account, read in one snapshot with the superuser's eyes.
 *
 * @param mail in the words of the account's server
 * @param mailboxes as subscribers see them
 * @param emails as subscribers see them
 * @param fold what a subscriber would know who had read the whole change log
 * @param unfinished what is still on its way: open mutations, emails without a mailbox, unpublished changes
 * @param broken what must never be, not even for a moment: gaps in the change log, links to nothing
 */
public record DatabaseState(
        MailState mail,
        Map<MailboxId, Mailbox> mailboxes,
        Map<EmailId, Email> emails,
        ChangeFold fold,
        List<String> unfinished,
        List<String> broken) {

    /** @param connection may see every row: the superuser's */
    public static DatabaseState read(Connection connection, AccountId account) throws SQLException {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try (Statement planner = connection.createStatement()) {
            // Everything is read and joined, so hashes are right; statistics from before the mail came would have it
            // search row by
            // row, for minutes.
            planner.execute("set local enable_nestloop = off");
            return new Reader(connection, account).read();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** In what the rows are not what the change log tells; empty if a subscriber knows exactly the database. */
    public List<String> differencesFrom(ChangeFold subscriber) {
        List<String> found = new ArrayList<>(subscriber.problems());
        compare("mailbox", mailboxes, subscriber.mailboxes(), found);
        compare("email", byText(emails), byText(subscriber.emails()), found);
        return MailState.shortened(found);
    }

    private static Map<String, Email> byText(Map<EmailId, Email> emails) {
        return emails.entrySet().stream()
                .collect(Collectors.toMap(entry -> entry.getKey().toString(), Map.Entry::getValue));
    }

    private static <K extends Comparable<K>, V> void compare(
            String what, Map<K, V> rows, Map<K, V> told, List<String> found) {
        for (K key : MailState.union(rows, told)) {
            if (!rows.containsKey(key)
                    || !told.containsKey(key)
                    || !rows.get(key).equals(told.get(key))) {
                found.add(what + " " + key + ": rows say " + rows.get(key) + ", changes say " + told.get(key));
            }
        }
    }

    private record Row(
            EmailId id,
            Optional<String> identity,
            String messageId,
            List<String> keywords,
            long size,
            Instant receivedAt,
            boolean unlinked,
            Email email) {}

    /** @param keywords where a copy has others than its email */
    private record Place(
            MailboxId mailbox, EmailId email, long uidValidity, long uid, Optional<List<String>> keywords) {}

    private static final class Reader {
        private final Connection connection;
        private final AccountId account;
        private final Map<MailboxId, String> serverNames = new HashMap<>();
        private final Map<MailboxId, Mailbox> mailboxes = new HashMap<>();
        private final List<String> unfinished = new ArrayList<>();
        private final List<String> broken = new ArrayList<>();

        Reader(Connection connection, AccountId account) {
            this.connection = connection;
            this.account = account;
        }

        DatabaseState read() throws SQLException {
            readMailboxes();
            List<Place> places = query(
                    "select mailbox_id, email_id, uidvalidity, uid, keywords from email_mailbox where account_id = ?",
                    row -> new Place(
                            MailboxId.of(row.getString(1)),
                            EmailId.of(row.getString(2)),
                            row.getLong(3),
                            row.getLong(4),
                            row.getArray(5) == null ? Optional.empty() : Optional.of(strings(row.getArray(5)))));
            Map<EmailId, List<Place>> placesOf = places.stream().collect(Collectors.groupingBy(Place::email));
            List<Row> rows = readEmails(placesOf);
            ChangeFold fold = new ChangeFold();
            query(
                            "select data from change_log where account_id = ? order by seq",
                            row -> EventCodec.decode(row.getString(1), ChangeEvent.class))
                    .forEach(fold::apply);
            look(rows, placesOf, fold);
            return new DatabaseState(
                    mail(rows, placesOf),
                    mailboxes,
                    rows.stream().collect(Collectors.toMap(Row::id, Row::email)),
                    fold,
                    List.copyOf(unfinished),
                    MailState.shortened(broken));
        }

        private void readMailboxes() throws SQLException {
            query(
                    "select mailbox_id, server_key, raw_name, name, parent_id, path, role, sort_order, is_subscribed,"
                            + " total_emails, unread_emails from mailbox where account_id = ?",
                    row -> {
                        MailboxId id = MailboxId.of(row.getString("mailbox_id"));
                        String rawName = row.getString("raw_name");
                        String key = row.getString("server_key");
                        serverNames.put(id, rawName != null ? rawName : key.substring(key.indexOf(':') + 1));
                        return mailboxes.put(
                                id,
                                new Mailbox(
                                        id,
                                        row.getString("name"),
                                        Optional.ofNullable(row.getString("parent_id"))
                                                .map(MailboxId::of),
                                        row.getString("path"),
                                        Optional.ofNullable(row.getString("role"))
                                                .flatMap(MailboxRole::find),
                                        row.getLong("sort_order"),
                                        row.getLong("total_emails"),
                                        row.getLong("unread_emails"),
                                        row.getBoolean("is_subscribed")));
                    });
        }

        private List<Row> readEmails(Map<EmailId, List<Place>> placesOf) throws SQLException {
            return query(
                    "select email_id, identity, message_id, keywords, size, received_at, unlinked_pass, thread_id, headers,"
                            + " has_attachment, preview from email where account_id = ?",
                    row -> {
                        EmailId id = EmailId.of(row.getString("email_id"));
                        List<String> keywords = strings(row.getArray("keywords"));
                        Instant receivedAt = row.getObject("received_at", OffsetDateTime.class)
                                .toInstant();
                        boolean unlinked = row.getObject("unlinked_pass") != null;
                        Email email = new Email(
                                id,
                                row.getString("thread_id"),
                                trueFor(placesOf.getOrDefault(id, List.of()).stream()
                                        .map(Place::mailbox)
                                        .distinct()
                                        .toList()),
                                trueFor(keywords.stream().map(Keyword::of).toList()),
                                row.getLong("size"),
                                receivedAt,
                                EventCodec.decode(row.getString("headers"), EmailHeaders.class),
                                row.getBoolean("has_attachment"),
                                row.getString("preview"));
                        return new Row(
                                id,
                                Optional.ofNullable(row.getString("identity")),
                                Optional.ofNullable(row.getString("message_id")).orElse(""),
                                keywords,
                                row.getLong("size"),
                                receivedAt,
                                unlinked,
                                email);
                    });
        }

        private void look(List<Row> rows, Map<EmailId, List<Place>> placesOf, ChangeFold fold) throws SQLException {
            for (Row row : rows) {
                if (row.unlinked == placesOf.containsKey(row.id)) {
                    broken.add("email " + row.id + ": unlinked is " + row.unlinked + ", places are "
                            + placesOf.getOrDefault(row.id, List.of()));
                }
            }
            for (String table : List.of("email_mailbox", "email_body", "attachment")) {
                broken.addAll(query(
                        "select distinct '" + table + " of no email: ' || email_id from " + table
                                + " c where account_id = ?"
                                + " and not exists (select from email e"
                                + " where e.account_id = c.account_id and e.email_id = c.email_id)",
                        row -> row.getString(1)));
            }
            broken.addAll(query(
                    "select distinct 'link to no mailbox: ' || mailbox_id from email_mailbox l where account_id = ?"
                            + " and not exists (select from mailbox m"
                            + " where m.account_id = l.account_id and m.mailbox_id = l.mailbox_id)",
                    row -> row.getString(1)));
            long unlinked = rows.stream().filter(Row::unlinked).count();
            if (unlinked > 0) {
                unfinished.add(unlinked + " emails without a mailbox, waiting for the next full pass");
            }
            unfinished.addAll(query(
                    "select kind || ' ' || mutation_id || ' is ' || state || ' ' || coalesce(error, '') from pending_changes"
                            + " where account_id = ? and state in ('queued', 'sending', 'applied', 'in-doubt')",
                    row -> row.getString(1)));
            unfinished.addAll(query(
                    "select sum(last_seq - first_seq + 1) || ' changes not published' from change_outbox"
                            + " where account_id = ? having count(*) > 0",
                    row -> row.getString(1)));
            query("select change_seq from account_sync where account_id = ?", row -> row.getLong(1)).stream()
                    .filter(given -> given != fold.seq())
                    .forEach(given ->
                            broken.add("account_sync has given out seq " + given + ", the log ends at " + fold.seq()));
            broken.addAll(fold.problems());
        }

        private MailState mail(List<Row> rows, Map<EmailId, List<Place>> placesOf) {
            Map<EmailId, Row> byId = rows.stream().collect(Collectors.toMap(Row::id, Function.identity()));
            Map<MailboxId, SortedMap<String, Placed>> placed = new HashMap<>();
            placesOf.values().stream()
                    .flatMap(List::stream)
                    .filter(place -> byId.containsKey(place.email))
                    .forEach(place -> {
                        Row row = byId.get(place.email);
                        String where = place.uid > 0
                                ? place.uidValidity + "/" + place.uid
                                : row.identity
                                        .map(id -> id.substring(id.indexOf(':') + 1))
                                        .orElse("?" + row.id);
                        placed.computeIfAbsent(place.mailbox, id -> new TreeMap<>())
                                .put(
                                        where,
                                        new Placed(
                                                row.messageId,
                                                new TreeSet<>(place.keywords.orElse(row.keywords)),
                                                row.size,
                                                row.receivedAt,
                                                placesOf.get(place.email).size() - 1));
                    });
            SortedMap<String, MailboxState> states = new TreeMap<>();
            mailboxes.forEach((id, mailbox) -> states.put(
                    serverNames.get(id),
                    new MailboxState(
                            mailbox.totalEmails(), mailbox.unreadEmails(), placed.getOrDefault(id, new TreeMap<>()))));
            return new MailState(states, placesOf.size());
        }

        private interface FromRow<T> {
            T read(ResultSet row) throws SQLException;
        }

        private <T> List<T> query(String sql, FromRow<T> fromRow) throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setObject(1, account.value());
                List<T> results = new ArrayList<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        results.add(fromRow.read(row));
                    }
                }
                return results;
            }
        }

        private static List<String> strings(Array array) throws SQLException {
            return Arrays.asList((String[]) array.getArray());
        }

        private static <K> Map<K, Boolean> trueFor(List<K> keys) {
            return keys.stream().collect(Collectors.toMap(key -> key, key -> true));
        }
    }
}
