package org.postbus.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.compare.MailState.LocatedEmail;
import org.postbus.compare.MailState.MailboxState;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawJmap;

/** Reads the complete state of an account from its server, without {@code mail-client}. */
public final class ServerState {
    private ServerState() {}

    /** Reads one mailbox after the other; the result is consistent only if nothing changes in the meantime. */
    public static MailState overImap(RawImap imap) {
        Map<String, List<RawImap.Message>> messages = new TreeMap<>();
        Map<String, Long> uidValidities = new HashMap<>();
        Map<String, Integer> locations = new HashMap<>();
        long withoutId = 0;
        for (RawImap.Listed mailbox : imap.list()) {
            List<RawImap.Message> inIt = List.of();
            if (mailbox.selectable()) {
                RawImap.Selected selected = imap.select(mailbox.name());
                uidValidities.put(mailbox.name(), selected.uidValidity());
                inIt = selected.exists() == 0 ? List.of() : imap.fetchAll();
            }
            messages.put(mailbox.name(), inIt);
            for (RawImap.Message message : inIt) {
                message.emailId().ifPresent(id -> locations.merge(id, 1, Integer::sum));
                withoutId += message.emailId().isEmpty() ? 1 : 0;
            }
        }
        SortedMap<String, MailboxState> mailboxes = new TreeMap<>();
        messages.forEach((name, inIt) -> {
            SortedMap<String, LocatedEmail> located = new TreeMap<>();
            for (RawImap.Message message : inIt) {
                located.put(
                        uidValidities.get(name) + "/" + message.uid(),
                        new LocatedEmail(
                                message.messageId().map(ServerState::bare).orElse(""),
                                MailState.keywordsOf(message.flags()),
                                message.size(),
                                message.internalDate(),
                                message.emailId().map(locations::get).orElse(1) - 1));
            }
            mailboxes.put(name, mailbox(inIt.size(), located));
        });
        return new MailState(mailboxes, locations.size() + withoutId);
    }

    public static MailState overJmap(RawJmap jmap) {
        List<JsonNode> mailboxes = jmap.mailboxes();
        List<JsonNode> emails =
                jmap.emails(jmap.emailIds(), "id", "mailboxIds", "keywords", "size", "receivedAt", "messageId");
        Map<String, SortedMap<String, LocatedEmail>> located = new HashMap<>();
        for (JsonNode email : emails) {
            List<String> mailboxIds = names(email.get("mailboxIds"));
            SortedSet<String> keywords = new TreeSet<>();
            names(email.get("keywords")).forEach(keyword -> keywords.add(keyword.toLowerCase(Locale.ROOT)));
            LocatedEmail copy = new LocatedEmail(
                    email.at("/messageId/0").asText(""),
                    keywords,
                    email.get("size").asLong(),
                    instant(email.get("receivedAt").asText()),
                    mailboxIds.size() - 1);
            for (String mailboxId : mailboxIds) {
                located.computeIfAbsent(mailboxId, id -> new TreeMap<>())
                        .put(email.get("id").asText(), copy);
            }
        }
        SortedMap<String, MailboxState> states = new TreeMap<>();
        for (JsonNode mailbox : mailboxes) {
            String id = mailbox.get("id").asText();
            states.put(
                    id,
                    new MailboxState(
                            mailbox.get("totalEmails").asLong(),
                            mailbox.get("unreadEmails").asLong(),
                            located.getOrDefault(id, new TreeMap<>())));
        }
        return new MailState(states, emails.size());
    }

    private static MailboxState mailbox(long total, SortedMap<String, LocatedEmail> located) {
        long unread = located.values().stream()
                .filter(email -> !email.keywords().contains("$seen"))
                .count();
        return new MailboxState(total, unread, located);
    }

    private static String bare(String messageId) {
        return messageId.startsWith("<") && messageId.endsWith(">")
                ? messageId.substring(1, messageId.length() - 1)
                : messageId;
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static Instant instant(String date) {
        return OffsetDateTime.parse(date).toInstant();
    }
}
