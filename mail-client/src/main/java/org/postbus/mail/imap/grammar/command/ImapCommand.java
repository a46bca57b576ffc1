package org.postbus.mail.imap.grammar.command;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.account.Secret;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.sasl.SaslConversation;

/** One command to the server (RFC 9051 section 6 and extensions); {@link ImapEncoder} writes it. */
public sealed interface ImapCommand {

    /** Needs a selected mailbox. */
    sealed interface OnMailbox extends ImapCommand {}

    /** Changes something on the server, so that it matters whether it was executed. */
    sealed interface ChangesMail extends ImapCommand {}

    /** Logs in: a refusal is a refused login. */
    sealed interface LogsIn extends ImapCommand {}

    /** Its answer is delivered item by item, at the speed of the subscriber. */
    sealed interface Streams<T> extends ImapCommand {
        Class<T> itemType();
    }

    /** Selects a mailbox and closes the one before. */
    sealed interface Selects extends ImapCommand {
        MailboxName name();

        boolean readOnly();
    }

    record Capability() implements ImapCommand {}

    record Noop() implements ImapCommand {}

    record Logout() implements ImapCommand {}

    record StartTls() implements ImapCommand {}

    /** RFC 9051 section 6.2.2, RFC 4959. */
    record Authenticate(SaslConversation conversation) implements LogsIn {}

    record Login(String username, Secret password) implements LogsIn {}

    /** RFC 2971. */
    record Id(Map<String, String> fields) implements ImapCommand {}

    /** RFC 5161. */
    record Enable(Set<String> names) implements ImapCommand {}

    /** COMPRESS DEFLATE (RFC 4978). */
    record Compress() implements ImapCommand {}

    record Namespace() implements ImapCommand {}

    /**
     * {@code LIST "" "*"}, with RETURN if any option is set (RFC 5258, RFC 6154, RFC 5819).
     *
     * @param status items of STATUS, or none
     */
    record ListAll(boolean subscribed, boolean specialUse, List<String> status) implements ImapCommand {}

    /** {@code LSUB "" "*"}. */
    record ListSubscribed() implements ImapCommand {}

    record Status(MailboxName name, List<String> items) implements ImapCommand {}

    /** SELECT, or EXAMINE if {@code readOnly}. */
    record Select(MailboxName name, boolean readOnly, boolean condstore) implements Selects {}

    /** The same with QRESYNC (RFC 7162 section 3.2.5). */
    record Resync(MailboxName name, boolean readOnly, org.postbus.mail.imap.grammar.Resync since)
            implements Selects, Streams<Resynced> {
        @Override
        public Class<Resynced> itemType() {
            return Resynced.class;
        }
    }

    /** RFC 3691. */
    record Unselect() implements OnMailbox {}

    record UidFetch(UidSet uids, FetchItems items) implements OnMailbox, Streams<FetchedMessage> {
        @Override
        public Class<FetchedMessage> itemType() {
            return FetchedMessage.class;
        }
    }

    /** One section of one message. */
    record UidFetchSection(long uid, Section section) implements OnMailbox, Streams<ImapFramer.LiteralPart> {
        @Override
        public Class<ImapFramer.LiteralPart> itemType() {
            return ImapFramer.LiteralPart.class;
        }
    }

    /** @param extended RETURN (ALL), RFC 4731 */
    record UidSearch(SearchKey key, boolean extended) implements OnMailbox {}

    record UidStore(UidSet uids, StoreMode mode, Set<ImapFlag> flags, OptionalLong unchangedSince)
            implements OnMailbox, ChangesMail {}

    /** Gmail's X-GM-EXT-1. */
    record UidStoreLabels(UidSet uids, StoreMode mode, Set<GmailLabel> labels) implements OnMailbox, ChangesMail {}

    /** RFC 6851. */
    record UidMove(UidSet uids, MailboxName target) implements OnMailbox, ChangesMail {}

    record UidCopy(UidSet uids, MailboxName target) implements OnMailbox, ChangesMail {}

    /** RFC 4315. */
    record UidExpunge(UidSet uids) implements OnMailbox, ChangesMail {}

    record Create(MailboxName name) implements ChangesMail {}

    record Rename(MailboxName from, MailboxName to) implements ChangesMail {}

    record Delete(MailboxName name) implements ChangesMail {}

    record Subscribe(MailboxName name) implements ChangesMail {}

    record Append(MailboxName target, Set<ImapFlag> flags, Optional<Instant> internalDate, byte[] message)
            implements ChangesMail {}

    /** RFC 5465: the selected mailbox and the personal ones; {@code events} are of the latter. */
    record NotifySet(List<String> events) implements ImapCommand {}

    record NotifyNone() implements ImapCommand {}

    /** RFC 2177. */
    record Idle() implements ImapCommand {}

    sealed interface SearchKey {
        record All() implements SearchKey {}

        /** Messages by their position in the mailbox, both included; to the end if {@code last} is empty. */
        record Positions(long first, OptionalLong last) implements SearchKey {}

        /** Those of these UIDs that exist. */
        record Uids(UidSet uids) implements SearchKey {}

        /** {@code HEADER Message-ID}: contains the text, in any case. */
        record MessageId(String text) implements SearchKey {}

        /** Messages of exactly that many octets. */
        record Size(long octets) implements SearchKey {}
    }
}
