package org.postbus.outbound;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.observation.MailboxKey;

/** Sample wishes, and what is known of the emails they are about. Numbers stand for ids. */
public final class Wishes {
    private Wishes() {}

    public static EmailId email(long number) {
        return new EmailId(new UUID(0x7000, number));
    }

    public static MailboxId mailbox(long number) {
        return new MailboxId(new UUID(0x7000, 0x1_0000 + number));
    }

    public static MutationId mutation(long number) {
        return new MutationId(new UUID(0x7000, 0x2_0000 + number));
    }

    public static Wish keywords(long mutation, long email, Map<String, Boolean> keywords) {
        return wish(mutation, email, keywords, Map.of());
    }

    public static Wish mailboxes(long mutation, long email, Map<Long, Boolean> mailboxes) {
        return wish(mutation, email, Map.of(), mailboxes);
    }

    public static Wish wish(long mutation, long email, Map<String, Boolean> keywords, Map<Long, Boolean> mailboxes) {
        Map<Keyword, Boolean> keywordPatch = new HashMap<>();
        keywords.forEach((keyword, set) -> keywordPatch.put(Keyword.of(keyword), set));
        Map<MailboxId, Boolean> mailboxPatch = new HashMap<>();
        mailboxes.forEach((mailbox, set) -> mailboxPatch.put(mailbox(mailbox), set));
        return new Wish(mutation(mutation), email(email), new Wish.Change.Update(keywordPatch, mailboxPatch), 1);
    }

    public static Wish destroy(long mutation, long email) {
        return new Wish(mutation(mutation), email(email), new Wish.Change.Destroy(), 1);
    }

    public static Wish inTry(int attempts, Wish wish) {
        return new Wish(wish.id(), wish.emailId(), wish.change(), attempts);
    }

    /** Builds a {@link Known}. */
    public static final class World {
        private final Map<EmailId, Known.KnownEmail> emails = new HashMap<>();
        private final Map<MailboxId, Known.KnownMailbox> mailboxes = new HashMap<>();

        public World imapMailbox(long number, String rawName) {
            mailboxes.put(
                    mailbox(number),
                    new Known.KnownMailbox(
                            MailboxKey.ofRawName(rawName), Optional.of(rawName), rawName, Optional.empty(), true));
            return this;
        }

        public World jmapMailbox(long number, String serverId) {
            mailboxes.put(
                    mailbox(number),
                    new Known.KnownMailbox(
                            MailboxKey.ofId(serverId), Optional.empty(), serverId, Optional.empty(), true));
            return this;
        }

        public World jmapEmail(long number, String serverId) {
            emails.put(
                    email(number), new Known.KnownEmail(Optional.of("jmap:" + serverId), Optional.empty(), List.of()));
            return this;
        }

        /** Known, but seen to be in no mailbox. */
        public World unlinked(long number) {
            emails.put(
                    email(number),
                    new Known.KnownEmail(Optional.empty(), Optional.of("m" + number + "@example.com"), List.of()));
            return this;
        }

        /** May be called several times for an email. */
        public World link(long number, long mailbox, long uidValidity, long uid) {
            List<Known.Link> links = new ArrayList<>(
                    emails.containsKey(email(number))
                            ? emails.get(email(number)).links()
                            : List.of());
            links.add(new Known.Link(mailbox(mailbox), uidValidity, uid));
            emails.put(
                    email(number),
                    new Known.KnownEmail(Optional.empty(), Optional.of("m" + number + "@example.com"), links));
            return this;
        }

        public World linkWithoutMessageId(long number, long mailbox, long uidValidity, long uid) {
            emails.put(
                    email(number),
                    new Known.KnownEmail(
                            Optional.empty(),
                            Optional.empty(),
                            List.of(new Known.Link(mailbox(mailbox), uidValidity, uid))));
            return this;
        }

        public Known known() {
            return new Known(emails, mailboxes);
        }
    }
}
