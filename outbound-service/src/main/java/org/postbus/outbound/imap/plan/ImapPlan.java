package org.postbus.outbound.imap.plan;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.model.EmailId;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * The fewest IMAP commands that apply folded mutations, mailbox by mailbox. Pure. The plan is made from the database's snapshot, so the
 * messages' locations must be checked on the server before the commands are sent.
 *
 * <p>Within a mailbox the order is: flags, labels, copies, moves, {@code \Deleted}, expunge. An email gets its keywords before it
 * is moved, and it is added to its new mailboxes before it is removed from an old one. If execution stops anywhere, no message is lost, and
 * executing the plan again does the rest.
 *
 * @param work in the order of the mailboxes' names
 * @param settled answers for emails that need no command, or whose mutation is impossible
 */
public record ImapPlan(List<MailboxWork> work, Map<EmailId, Answer> settled) {
    public ImapPlan {
        work = List.copyOf(work);
        settled = Map.copyOf(settled);
    }

    /** The extensions that a plan uses where they are offered: MOVE (RFC 6851), UIDPLUS (RFC 4315), Gmail's labels (X-GM-EXT-1). */
    public record Abilities(boolean move, boolean uidPlus, boolean labels) {}

    /**
     * The actions in one mailbox.
     *
     * @param uids every UID that an action names, with its email
     */
    public record MailboxWork(
            MailboxName mailbox, long uidValidity, SortedMap<Long, EmailId> uids, List<Action> actions) {
        public MailboxWork {
            uids = Collections.unmodifiableSortedMap(new TreeMap<>(uids));
            actions = List.copyOf(actions);
        }
    }

    /** One command; sent as several if it names more messages than one command may carry. */
    public sealed interface Action {
        SortedSet<Long> uids();

        /** No command: the message is as requested, if it exists. */
        record Check(SortedSet<Long> uids) implements Action {}

        /** UID STORE ±FLAGS.SILENT. */
        record Store(StoreMode mode, Set<ImapFlag> flags, SortedSet<Long> uids) implements Action {
            public Store {
                if (flags.isEmpty()) {
                    throw new IllegalArgumentException("a STORE without flags changes nothing, or all flags");
                }
                flags = Collections.unmodifiableSet(new TreeSet<>(flags));
            }
        }

        /** UID COPY. The only action that has a further effect if it is repeated. */
        record Copy(MailboxName target, SortedSet<Long> uids) implements Action {}

        /** UID MOVE. */
        record Move(MailboxName target, SortedSet<Long> uids) implements Action {}

        /** UID STORE +FLAGS.SILENT (\Deleted), of messages that have not changed since their flags were fetched. */
        record MarkDeleted(SortedSet<Long> uids) implements Action {}

        /** UID EXPUNGE. Without UIDPLUS the messages stay marked {@code \Deleted}: EXPUNGE would destroy other marked messages too. */
        record Expunge(SortedSet<Long> uids) implements Action {}

        /** UID STORE ±X-GM-LABELS. */
        record Label(StoreMode mode, Set<GmailLabel> labels, SortedSet<Long> uids) implements Action {
            public Label {
                labels = Collections.unmodifiableSet(new TreeSet<>(labels));
            }
        }

        /** UID MOVE on Gmail, then UID STORE +X-GM-LABELS in the target. */
        record MoveAndLabel(MailboxName target, Set<GmailLabel> labels, SortedSet<Long> uids) implements Action {
            public MoveAndLabel {
                labels = Collections.unmodifiableSet(new TreeSet<>(labels));
            }
        }

        /** UID MOVE to Gmail's Trash, then {@code \Deleted} and UID EXPUNGE there. */
        record MoveAndDestroy(MailboxName trash, SortedSet<Long> uids) implements Action {}
    }

    public static ImapPlan of(List<FoldedMutation> mutations, ServerSnapshot snapshot, Abilities abilities) {
        ImapPlanBuilder plan = new ImapPlanBuilder(snapshot, abilities);
        mutations.forEach(plan::add);
        return plan.build();
    }
}
