package org.postbus.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.compare.MailState.MailboxState;
import org.postbus.compare.MailState.Placed;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawJmap;

/** Reads all that a server has for an account, without {@code mail-client}. */
public final class ServerState {
    private ServerState() {}

    /** One mailbox after the other: it is a state the server was in only if nobody changes anything meanwhile. */
    public static MailState overImap(RawImap imap) {
        Map<String, List<RawImap.Message>> messages = new TreeMap<>();
        Map<String, Long> uidValidities = new HashMap<>();
        Map<String, Integer> places = new HashMap<>();
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
                message.emailId().ifPresent(id -> places.merge(id, 1, Integer::sum));
                withoutId += message.emailId().isEmpty() ? 1 : 0;
            }
        }
        SortedMap<String, MailboxState> mailboxes = new TreeMap<>();
        messages.forEach((name, inIt) -> {
            SortedMap<String, Placed> placed = new TreeMap<>();
            for (RawImap.Message message : inIt) {
                placed.put(
                        uidValidities.get(name) + "/" + message.uid(),
                        new Placed(
                                message.messageId().map(ServerState::bare).orElse(""),
                                MailState.keywordsOf(message.flags()),
                                message.size(),
                                message.internalDate(),
                                message.emailId().map(places::get).orElse(1) - 1));
            }
            mailboxes.put(name, mailbox(inIt.size(), placed));
        });
        return new MailState(mailboxes, places.size() + withoutId);
    }

    public static MailState overJmap(RawJmap jmap) {
        List<JsonNode> mailboxes = jmap.mailboxes();
        List<JsonNode> emails =
                jmap.emails(jmap.emailIds(), "id", "mailboxIds", "keywords", "size", "receivedAt", "messageId");
        Map<String, SortedMap<String, Placed>> placed = new HashMap<>();
        for (JsonNode email : emails) {
            List<String> mailboxIds = names(email.get("mailboxIds"));
            SortedSet<String> keywords = new TreeSet<>();
            names(email.get("keywords")).forEach(keyword -> keywords.add(keyword.toLowerCase(java.util.Locale.ROOT)));
            Placed place = new Placed(
                    email.at("/messageId/0").asText(""),
                    keywords,
                    email.get("size").asLong(),
                    instant(email.get("receivedAt").asText()),
                    mailboxIds.size() - 1);
            for (String mailboxId : mailboxIds) {
                placed.computeIfAbsent(mailboxId, id -> new TreeMap<>())
                        .put(email.get("id").asText(), place);
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
                            placed.getOrDefault(id, new TreeMap<>())));
        }
        return new MailState(states, emails.size());
    }

    private static MailboxState mailbox(long total, SortedMap<String, Placed> placed) {
        long unread = placed.values().stream()
                .filter(email -> !email.keywords().contains("$seen"))
                .count();
        return new MailboxState(total, unread, placed);
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
