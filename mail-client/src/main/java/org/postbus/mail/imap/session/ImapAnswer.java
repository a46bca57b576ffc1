package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.postbus.mail.imap.grammar.AppendedUid;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.response.ImapResponse;
import org.postbus.mail.imap.grammar.response.ResponseCode;
import org.postbus.model.MailboxRole;

/** The answer to one command: the untagged responses that belong to it, and the tagged one that ends it. */
public record ImapAnswer(ImapCommand command, ImapResponse.Tagged tagged, List<ImapResponse> untagged) {

    private <R extends ImapResponse> Stream<R> all(Class<R> type) {
        return untagged.stream().filter(type::isInstance).map(type::cast);
    }

    /** Of untagged status responses and of the tagged one, in that order. */
    private <C extends ResponseCode> Stream<C> codes(Class<C> type) {
        return Stream.concat(all(ImapResponse.Status.class).map(ImapResponse.Status::code), Stream.of(tagged.code()))
                .flatMap(Optional::stream)
                .filter(type::isInstance)
                .map(type::cast);
    }

    private static <T> Optional<T> last(Stream<T> stream) {
        return stream.reduce((first, second) -> second);
    }

    public Optional<Namespaces> namespaces() {
        return last(all(ImapResponse.Namespace.class).map(ImapResponse.Namespace::namespaces));
    }

    public Map<String, String> id() {
        return last(all(ImapResponse.Id.class).map(ImapResponse.Id::fields)).orElse(Map.of());
    }

    public Optional<MailboxStatus> status(MailboxName name) {
        return last(all(ImapResponse.MailboxStatusReported.class)
                .filter(reported -> reported.name().equals(name))
                .map(ImapResponse.MailboxStatusReported::status));
    }

    /** Each name once; attributes of repeated names together. */
    public List<ListedMailbox> mailboxes() {
        Map<MailboxName, ImapResponse.Listed> listed = new LinkedHashMap<>();
        all(ImapResponse.Listed.class)
                .filter(one -> !one.lsub())
                .forEach(one -> listed.merge(one.name(), one, (a, b) -> {
                    Set<String> attributes = new LinkedHashSet<>(a.attributes());
                    attributes.addAll(b.attributes());
                    return new ImapResponse.Listed(
                            a.name(), a.delimiter().or(b::delimiter), attributes, false, Optional.empty());
                }));
        Map<MailboxName, MailboxStatus> statuses = new HashMap<>();
        all(ImapResponse.MailboxStatusReported.class).forEach(one -> statuses.put(one.name(), one.status()));
        List<ListedMailbox> mailboxes = new ArrayList<>(listed.size());
        for (ImapResponse.Listed one : listed.values()) {
            mailboxes.add(mailbox(one, Optional.ofNullable(statuses.get(one.name()))));
        }
        return mailboxes;
    }

    static ListedMailbox mailbox(ImapResponse.Listed listed, Optional<MailboxStatus> status) {
        Set<String> attributes = listed.attributes();
        return new ListedMailbox(
                listed.name(),
                listed.delimiter(),
                attributes,
                role(listed.name(), attributes),
                !attributes.contains("\\noselect") && !attributes.contains("\\nonexistent"),
                attributes.contains("\\subscribed"),
                status);
    }

    /** LSUB. */
    public Set<MailboxName> subscribed() {
        Set<MailboxName> names = new LinkedHashSet<>();
        all(ImapResponse.Listed.class).filter(ImapResponse.Listed::lsub).forEach(one -> {
            if (!one.attributes().contains("\\noselect")) {
                names.add(one.name());
            }
        });
        return names;
    }

    private static Optional<MailboxRole> role(MailboxName name, Set<String> attributes) {
        if (name.equals(MailboxName.INBOX)) {
            return Optional.of(MailboxRole.INBOX);
        }
        for (String attribute : attributes) {
            Optional<MailboxRole> role =
                    switch (attribute) {
                        case "\\all", "\\allmail" -> Optional.of(MailboxRole.ALL);
                        case "\\archive" -> Optional.of(MailboxRole.ARCHIVE);
                        case "\\drafts" -> Optional.of(MailboxRole.DRAFTS);
                        case "\\flagged", "\\starred" -> Optional.of(MailboxRole.FLAGGED);
                        case "\\important" -> Optional.of(MailboxRole.IMPORTANT);
                        case "\\junk", "\\spam" -> Optional.of(MailboxRole.JUNK);
                        case "\\sent" -> Optional.of(MailboxRole.SENT);
                        case "\\trash" -> Optional.of(MailboxRole.TRASH);
                        default -> Optional.empty();
                    };
            if (role.isPresent()) {
                return role;
            }
        }
        return Optional.empty();
    }

    public SelectedMailbox selected(ImapCommand.Selects command) {
        boolean readOnly = command.readOnly()
                || codes(ResponseCode.Other.class).anyMatch(code -> code.name().equals("READ-ONLY"));
        boolean noModSeq = codes(ResponseCode.NoModSeq.class).findAny().isPresent();
        return new SelectedMailbox(
                command.name(),
                readOnly,
                last(all(ImapResponse.Exists.class))
                        .map(ImapResponse.Exists::messages)
                        .orElse(0L),
                positive(last(codes(ResponseCode.UidValidity.class)).map(ResponseCode.UidValidity::value)),
                positive(last(codes(ResponseCode.UidNext.class)).map(ResponseCode.UidNext::uid)),
                noModSeq
                        ? OptionalLong.empty()
                        : positive(
                                last(codes(ResponseCode.HighestModSeq.class)).map(ResponseCode.HighestModSeq::modSeq)),
                last(codes(ResponseCode.PermanentFlags.class)).map(ResponseCode.PermanentFlags::flags),
                last(codes(ResponseCode.MailboxId.class)).map(ResponseCode.MailboxId::id));
    }

    private static OptionalLong positive(Optional<Long> value) {
        return value.filter(number -> number > 0).map(OptionalLong::of).orElse(OptionalLong.empty());
    }

    /** Empty if the server answered without a result: that differs from an empty result. */
    public Optional<UidSet> found() {
        List<ImapResponse.Found> found = all(ImapResponse.Found.class).toList();
        if (found.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(UidSet.of(
                found.stream().flatMap(one -> one.uids().ranges().stream()).toList()));
    }

    public StoreResult stored() {
        Map<Long, Long> modSeqs = new HashMap<>();
        all(ImapResponse.Fetch.class)
                .map(ImapResponse.Fetch::message)
                .forEach(message -> message.modSeq().ifPresent(modSeq -> modSeqs.put(message.uid(), modSeq)));
        UidSet modified = UidSet.of(codes(ResponseCode.Modified.class)
                .flatMap(code -> code.uids().ranges().stream())
                .toList());
        return new StoreResult(modified.ranges(), modSeqs);
    }

    /** Untagged before the EXPUNGEs (RFC 6851) or tagged. */
    public List<CopiedUids> copied() {
        return codes(ResponseCode.CopyUid.class)
                .map(ResponseCode.CopyUid::copied)
                .distinct()
                .toList();
    }

    /** Only the messages from this UID upwards were handled (RFC 9738). */
    public OptionalLong lowestUid() {
        return positive(last(codes(ResponseCode.MessageLimit.class)).map(ResponseCode.MessageLimit::lowestUid));
    }

    public Optional<AppendedUid> appended() {
        return last(codes(ResponseCode.AppendUid.class).map(ResponseCode.AppendUid::appended));
    }
}
