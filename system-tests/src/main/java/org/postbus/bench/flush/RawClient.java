package org.postbus.bench.flush;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.bench.stage.MailServer;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawJmap;

/** Another client of the same mailbox. It identifies emails by Message-ID (without angle brackets), which Postbus's API shows too. */
sealed interface RawClient extends AutoCloseable {
    /** Sets a keyword on all emails with as few commands as possible. */
    void setOnAll(String keyword);

    /** Sets a keyword on one email with one command, and waits for its response. */
    void set(String messageId, String keyword);

    boolean has(String messageId, String keyword);

    @Override
    void close();

    final class OverImap implements RawClient {
        private final RawImap imap;
        private final Map<String, Long> uids = new LinkedHashMap<>();

        OverImap(MailServer server) {
            imap = server.logIn();
            imap.select("INBOX");
            imap.fetchAll().forEach(message -> uids.put(message.messageId().orElseThrow(), message.uid()));
        }

        @Override
        public void setOnAll(String keyword) {
            imap.addFlags(uids.values(), keyword);
        }

        @Override
        public void set(String messageId, String keyword) {
            imap.addFlags(List.of(uids.get("<" + messageId + ">")), keyword);
        }

        @Override
        public boolean has(String messageId, String keyword) {
            return imap.fetch(uids.get("<" + messageId + ">").toString()).stream()
                    .anyMatch(message -> message.flags().contains(keyword));
        }

        @Override
        public void close() {
            imap.close();
        }
    }

    final class OverJmap implements RawClient {
        private static final int EMAILS_PER_SET = 500;

        private final RawJmap jmap;
        private final Map<String, String> ids = new LinkedHashMap<>();

        OverJmap(MailServer.OfJames server) {
            jmap = RawJmap.login(
                    server.sessionUrl(), server.user(), server.password().reveal());
            jmap.emails(jmap.emailIds(), "id", "messageId")
                    .forEach(email -> ids.put(
                            email.at("/messageId/0").asText(), email.get("id").asText()));
        }

        @Override
        public void setOnAll(String keyword) {
            List<String> all = List.copyOf(ids.values());
            for (int from = 0; from < all.size(); from += EMAILS_PER_SET) {
                Map<String, Map<String, Object>> patches = new LinkedHashMap<>();
                all.subList(from, Math.min(all.size(), from + EMAILS_PER_SET))
                        .forEach(id -> patches.put(id, Map.of("keywords/" + keyword, true)));
                jmap.update(patches);
            }
        }

        @Override
        public void set(String messageId, String keyword) {
            jmap.update(Map.of(ids.get(messageId), Map.of("keywords/" + keyword, true)));
        }

        /** James sometimes refuses to read an email while it writes it; that counts as not set. */
        @Override
        public boolean has(String messageId, String keyword) {
            try {
                return jmap.emails(List.of(ids.get(messageId)), "keywords")
                        .getFirst()
                        .at("/keywords/" + keyword)
                        .asBoolean();
            } catch (RawJmap.RefusedException e) {
                return false;
            }
        }

        @Override
        public void close() {
            jmap.close();
        }
    }
}
