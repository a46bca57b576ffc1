package org.postbus.compare;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
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
import org.postbus.compare.MailState.LocatedEmail;
import org.postbus.compare.MailState.MailboxState;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;

/** Reads the rows of one account and builds a {@link DatabaseState} from them. */
final class DatabaseReader {
    /**
     * A row of {@code email}.
     *
     * @param unlinked in no mailbox
     * @param email as subscribers see it
     */
    record Row(
            EmailId id,
            Optional<String> identity,
            String messageId,
            List<String> keywords,
            long size,
            Instant receivedAt,
            boolean unlinked,
            Email email) {}

    /**
     * A row of {@code email_mailbox}.
     *
     * @param keywords if this copy has other keywords than its email
     */
    record Location(MailboxId mailbox, EmailId email, long uidValidity, long uid, Optional<List<String>> keywords) {}

    private final AccountQueries account;
    private final Map<MailboxId, String> serverNames = new HashMap<>();
    private final Map<MailboxId, Mailbox> mailboxes = new HashMap<>();

    DatabaseReader(Connection connection, AccountId account) {
        this.account = new AccountQueries(connection, account);
    }

    DatabaseState read() throws SQLException {
        readMailboxes();
        List<Location> locations = account.query(
                "select mailbox_id, email_id, uidvalidity, uid, keywords from email_mailbox where account_id = ?",
                row -> new Location(
                        MailboxId.of(row.getString(1)),
                        EmailId.of(row.getString(2)),
                        row.getLong(3),
                        row.getLong(4),
                        row.getArray(5) == null
                                ? Optional.empty()
                                : Optional.of(AccountQueries.strings(row.getArray(5)))));
        Map<EmailId, List<Location>> locationsOf = locations.stream().collect(Collectors.groupingBy(Location::email));
        List<Row> rows = readEmails(locationsOf);
        ChangeFold fold = new ChangeFold();
        account.query(
                        "select data from change_log where account_id = ? order by seq",
                        row -> EventCodec.decode(row.getString(1), ChangeEvent.class))
                .forEach(fold::apply);
        DatabaseChecks checks = new DatabaseChecks(account);
        checks.run(rows, locationsOf, fold);
        return new DatabaseState(
                mail(rows, locationsOf),
                mailboxes,
                rows.stream().collect(Collectors.toMap(Row::id, Row::email)),
                fold,
                checks.unfinished(),
                checks.violations());
    }

    private void readMailboxes() throws SQLException {
        account.query(
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
                                    Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                                    row.getLong("sort_order"),
                                    row.getLong("total_emails"),
                                    row.getLong("unread_emails"),
                                    row.getBoolean("is_subscribed")));
                });
    }

    private List<Row> readEmails(Map<EmailId, List<Location>> locationsOf) throws SQLException {
        return account.query(
                "select email_id, identity, message_id, keywords, size, received_at, unlinked_pass, thread_id, headers,"
                        + " has_attachment, preview from email where account_id = ?",
                row -> {
                    EmailId id = EmailId.of(row.getString("email_id"));
                    List<String> keywords = AccountQueries.strings(row.getArray("keywords"));
                    Instant receivedAt =
                            row.getObject("received_at", OffsetDateTime.class).toInstant();
                    boolean unlinked = row.getObject("unlinked_pass") != null;
                    Email email = new Email(
                            id,
                            row.getString("thread_id"),
                            trueFor(locationsOf.getOrDefault(id, List.of()).stream()
                                    .map(Location::mailbox)
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

    private MailState mail(List<Row> rows, Map<EmailId, List<Location>> locationsOf) {
        Map<EmailId, Row> byId = rows.stream().collect(Collectors.toMap(Row::id, Function.identity()));
        Map<MailboxId, SortedMap<String, LocatedEmail>> located = new HashMap<>();
        locationsOf.values().stream()
                .flatMap(List::stream)
                .filter(location -> byId.containsKey(location.email))
                .forEach(location -> {
                    Row row = byId.get(location.email);
                    String where = location.uid > 0
                            ? location.uidValidity + "/" + location.uid
                            : row.identity
                                    .map(id -> id.substring(id.indexOf(':') + 1))
                                    .orElse("?" + row.id);
                    located.computeIfAbsent(location.mailbox, id -> new TreeMap<>())
                            .put(
                                    where,
                                    new LocatedEmail(
                                            row.messageId,
                                            new TreeSet<>(location.keywords.orElse(row.keywords)),
                                            row.size,
                                            row.receivedAt,
                                            locationsOf.get(location.email).size() - 1));
                });
        SortedMap<String, MailboxState> states = new TreeMap<>();
        mailboxes.forEach((id, mailbox) -> states.put(
                serverNames.get(id),
                new MailboxState(
                        mailbox.totalEmails(), mailbox.unreadEmails(), located.getOrDefault(id, new TreeMap<>()))));
        return new MailState(states, locationsOf.size());
    }

    private static <K> Map<K, Boolean> trueFor(List<K> keys) {
        return keys.stream().collect(Collectors.toMap(key -> key, key -> true));
    }
}
