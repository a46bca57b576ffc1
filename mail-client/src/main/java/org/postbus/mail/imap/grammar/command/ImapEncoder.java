package org.postbus.mail.imap.grammar.command;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand.SearchKey;
import org.postbus.mail.imap.sasl.SaslConversation;

/**
 * Writes commands. It alone decides whether a string is written as atom, quoted string or literal, and it refuses CR,
 * LF and NUL in each of them, so no string from outside can become a second command. Only the octets of an appended
 * message are not checked; they are sent as a literal.
 */
public final class ImapEncoder {
    /**
     * RFC 7888: LITERAL- allows literals up to this size without waiting. With LITERAL+ the same limit applies, so
     * that a refusal does not cost a long upload.
     */
    private static final int LITERAL_UNASKED_OCTETS_MAX = 4096;

    private static final int QUOTED_OCTETS_MAX = 1000;
    private static final DateTimeFormatter DATE_TIME =
            DateTimeFormatter.ofPattern("dd-MMM-yyyy HH:mm:ss '+0000'", Locale.ROOT);

    private static final int INITIAL_RESPONSE_OCTETS_MAX = 5000;

    private final Capabilities capabilities;
    private final boolean literalsUnasked;
    private final List<byte[]> parts = new ArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(128);

    private ImapEncoder(Capabilities capabilities) {
        this.literalsUnasked = capabilities.has("LITERAL+") || capabilities.has("LITERAL-");
        this.capabilities = capabilities;
    }

    /** @throws IllegalArgumentException if a string holds what no command may hold */
    public static EncodedCommand encode(String tag, ImapCommand command, Capabilities capabilities) {
        ImapEncoder encoder = new ImapEncoder(capabilities);
        encoder.ascii(tag).ascii(" ");
        encoder.command(command);
        encoder.ascii("\r\n").endPart();
        return new EncodedCommand(List.copyOf(encoder.parts));
    }

    private void command(ImapCommand command) {
        switch (command) {
            case ImapCommand.Capability c -> ascii("CAPABILITY");
            case ImapCommand.Noop c -> ascii("NOOP");
            case ImapCommand.Logout c -> ascii("LOGOUT");
            case ImapCommand.StartTls c -> ascii("STARTTLS");
            case ImapCommand.Authenticate(var conversation) -> authenticate(conversation);
            case ImapCommand.Login(var username, var password) ->
                ascii("LOGIN ").string(utf8(username)).ascii(" ").string(utf8(password.reveal()));
            case ImapCommand.Id(var fields) -> id(fields);
            case ImapCommand.Enable(var names) -> {
                ascii("ENABLE");
                names.stream().sorted().forEach(name -> ascii(" ").atom(name));
            }
            case ImapCommand.Compress c -> ascii("COMPRESS DEFLATE");
            case ImapCommand.Namespace c -> ascii("NAMESPACE");
            case ImapCommand.ListAll c -> list(c);
            case ImapCommand.ListSubscribed c -> ascii("LSUB \"\" \"*\"");
            case ImapCommand.Status(var name, var items) ->
                ascii("STATUS ").mailbox(name).ascii(" (").atoms(items).ascii(")");
            case ImapCommand.Select(var name, var readOnly, var condstore) ->
                ascii(readOnly ? "EXAMINE " : "SELECT ").mailbox(name).ascii(condstore ? " (CONDSTORE)" : "");
            case ImapCommand.Resync c -> resync(c);
            case ImapCommand.Unselect c -> ascii("UNSELECT");
            case ImapCommand.UidFetch c -> fetch(c);
            case ImapCommand.UidFetchSection(var uid, var section) ->
                ascii("UID FETCH " + uid + " (UID ").ascii(section.request()).ascii(")");
            case ImapCommand.UidSearch(var key, var extended) ->
                ascii("UID SEARCH ").ascii(extended ? "RETURN (ALL) " : "").searchKey(key);
            case ImapCommand.UidStore c -> store(c);
            case ImapCommand.UidStoreLabels c -> storeLabels(c);
            case ImapCommand.UidMove(var uids, var target) ->
                ascii("UID MOVE ").ascii(uids.sequenceSet(false)).ascii(" ").mailbox(target);
            case ImapCommand.UidCopy(var uids, var target) ->
                ascii("UID COPY ").ascii(uids.sequenceSet(false)).ascii(" ").mailbox(target);
            case ImapCommand.UidExpunge(var uids) -> ascii("UID EXPUNGE ").ascii(uids.sequenceSet(false));
            case ImapCommand.Create(var name) -> ascii("CREATE ").mailbox(name);
            case ImapCommand.Rename(var from, var to) ->
                ascii("RENAME ").mailbox(from).ascii(" ").mailbox(to);
            case ImapCommand.Delete(var name) -> ascii("DELETE ").mailbox(name);
            case ImapCommand.Subscribe(var name) -> ascii("SUBSCRIBE ").mailbox(name);
            case ImapCommand.Append c -> append(c);
            case ImapCommand.NotifySet(var events) ->
                ascii("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (")
                        .atoms(events)
                        .ascii("))");
            case ImapCommand.NotifyNone c -> ascii("NOTIFY NONE");
            case ImapCommand.Idle c -> ascii("IDLE");
        }
    }

    private void authenticate(SaslConversation conversation) {
        ascii("AUTHENTICATE ").atom(conversation.mechanism());
        if (sendsInitialResponse(conversation, capabilities)) {
            byte[] response = conversation.initialResponse().orElseThrow();
            ascii(" ").ascii(response.length == 0 ? "=" : base64(response));
        }
    }

    /**
     * Sent within the command if the server supports that (RFC 4959) and the line stays short; else when the server
     * asks for it.
     */
    public static boolean sendsInitialResponse(SaslConversation conversation, Capabilities capabilities) {
        return capabilities.has("SASL-IR")
                && conversation
                        .initialResponse()
                        .filter(response -> response.length <= INITIAL_RESPONSE_OCTETS_MAX)
                        .isPresent();
    }

    /** One line of a SASL exchange. */
    public static byte[] saslLine(byte[] response) {
        return (base64(response) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    }

    private static String base64(byte[] octets) {
        return Base64.getEncoder().encodeToString(octets);
    }

    private void id(Map<String, String> fields) {
        ascii("ID (");
        String separator = "";
        for (Map.Entry<String, String> field : fields.entrySet()) {
            ascii(separator).quotedOrLiteral(utf8(field.getKey())).ascii(" ").quotedOrLiteral(utf8(field.getValue()));
            separator = " ";
        }
        ascii(")");
    }

    private void list(ImapCommand.ListAll command) {
        ascii("LIST \"\" \"*\"");
        List<String> options = new ArrayList<>();
        if (command.subscribed()) {
            options.add("SUBSCRIBED");
        }
        if (command.specialUse()) {
            options.add("SPECIAL-USE");
        }
        if (options.isEmpty() && command.status().isEmpty()) {
            return;
        }
        ascii(" RETURN (").atoms(options);
        if (!command.status().isEmpty()) {
            ascii(options.isEmpty() ? "" : " ")
                    .ascii("STATUS (")
                    .atoms(command.status())
                    .ascii(")");
        }
        ascii(")");
    }

    /** {@code "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] ")"} */
    private void resync(ImapCommand.Resync command) {
        Resync since = command.since();
        ascii(command.readOnly() ? "EXAMINE " : "SELECT ").mailbox(command.name());
        ascii(" (QRESYNC (" + since.uidValidity() + " " + since.modSeq());
        String known = UidSet.of(since.knownUids()).sequenceSet(false);
        if (!known.isEmpty() && known.length() <= UidSet.COMMAND_OCTETS_MAX) {
            ascii(" ").ascii(known);
        }
        ascii("))");
    }

    private void fetch(ImapCommand.UidFetch command) {
        ascii("UID FETCH ").ascii(command.uids().sequenceSet(true)).ascii(" (UID");
        for (FetchItem item : command.items().items()) {
            ascii(" ")
                    .ascii(
                            switch (item) {
                                case FetchItem.Flags i -> "FLAGS";
                                case FetchItem.InternalDate i -> "INTERNALDATE";
                                case FetchItem.Size i -> "RFC822.SIZE";
                                case FetchItem.ModSeq i -> "MODSEQ";
                                case FetchItem.EmailId i -> "EMAILID";
                                case FetchItem.ThreadId i -> "THREADID";
                                case FetchItem.Gmail i -> "X-GM-MSGID X-GM-THRID X-GM-LABELS";
                                case FetchItem.GmailMessageId i -> "X-GM-MSGID";
                                case FetchItem.Header i -> "BODY.PEEK[HEADER]";
                                case FetchItem.Body i -> "BODY.PEEK[]";
                                case FetchItem.BodyStart(var octets) -> "BODY.PEEK[]<0." + octets + ">";
                                case FetchItem.BodyStructure i -> "BODYSTRUCTURE";
                            });
        }
        ascii(")");
        command.items().changedSince().ifPresent(modSeq -> ascii(" (CHANGEDSINCE " + modSeq + ")"));
    }

    private void store(ImapCommand.UidStore command) {
        ascii("UID STORE ").ascii(command.uids().sequenceSet(false)).ascii(" ");
        command.unchangedSince().ifPresent(modSeq -> ascii("(UNCHANGEDSINCE " + modSeq + ") "));
        ascii(
                switch (command.mode()) {
                    case ADD -> "+FLAGS.SILENT ";
                    case REMOVE -> "-FLAGS.SILENT ";
                });
        flags(command.flags());
    }

    private void storeLabels(ImapCommand.UidStoreLabels command) {
        ascii("UID STORE ").ascii(command.uids().sequenceSet(false)).ascii(" ");
        ascii(
                switch (command.mode()) {
                    case ADD -> "+X-GM-LABELS (";
                    case REMOVE -> "-X-GM-LABELS (";
                });
        String separator = "";
        for (GmailLabel label : command.labels().stream().sorted().toList()) {
            ascii(separator);
            if (label.isSystem()) {
                ascii("\\").atom(label.raw().substring(1));
            } else {
                string(label.raw().getBytes(StandardCharsets.ISO_8859_1));
            }
            separator = " ";
        }
        ascii(")");
    }

    private void append(ImapCommand.Append command) {
        ascii("APPEND ").mailbox(command.target()).ascii(" ");
        if (!command.flags().isEmpty()) {
            flags(command.flags()).ascii(" ");
        }
        command.internalDate()
                .ifPresent(date -> ascii("\"").ascii(dateTime(date)).ascii("\" "));
        literal(command.message());
    }

    static String dateTime(Instant instant) {
        return DATE_TIME.format(instant.atOffset(ZoneOffset.UTC));
    }

    private ImapEncoder searchKey(SearchKey key) {
        return switch (key) {
            case SearchKey.All all -> ascii("ALL");
            case SearchKey.Positions(var first, var last) ->
                ascii(first + ":" + (last.isPresent() ? last.getAsLong() : "*"));
            case SearchKey.Uids(var uids) -> ascii("UID " + uids.sequenceSet(true));
            case SearchKey.MessageId(var text) -> ascii("HEADER Message-ID ").quotedOrLiteral(utf8(text));
            case SearchKey.Size(var octets) ->
                ascii((octets > 0 ? "LARGER " + (octets - 1) + " " : "") + "SMALLER " + (octets + 1));
        };
    }

    // ---- arguments
    // ------------------------------------------------------------------------------------------------------

    private ImapEncoder mailbox(MailboxName name) {
        return string(name.octets());
    }

    private ImapEncoder flags(Collection<ImapFlag> flags) {
        ascii("(");
        String separator = "";
        for (String name : flags.stream().map(ImapFlag::name).sorted().toList()) {
            ascii(separator).ascii(name.startsWith("\\") ? "\\" : "");
            atom(name.startsWith("\\") ? name.substring(1) : name);
            separator = " ";
        }
        return ascii(")");
    }

    private ImapEncoder atoms(List<String> atoms) {
        for (int i = 0; i < atoms.size(); i++) {
            ascii(i == 0 ? "" : " ").atom(atoms.get(i));
        }
        return this;
    }

    /** {@code atom = 1*ATOM-CHAR}: the only form that these arguments have. */
    private ImapEncoder atom(String atom) {
        if (atom.isEmpty()) {
            throw new IllegalArgumentException("an empty atom");
        }
        for (int i = 0; i < atom.length(); i++) {
            char c = atom.charAt(i);
            if (c <= ' ' || c >= 0x7F || "(){%*\"\\]".indexOf(c) >= 0) {
                throw new IllegalArgumentException("not a character of an atom: " + (int) c);
            }
        }
        return ascii(atom);
    }

    /** {@code astring}: an atom where it cannot be mistaken for anything else. */
    private ImapEncoder string(byte[] value) {
        boolean atom = value.length > 0 && isLetter(value[0]);
        for (byte c : value) {
            atom &= isLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-' || c == '_' || c == '@';
        }
        boolean nil = value.length == 3 && new String(value, StandardCharsets.US_ASCII).equalsIgnoreCase("NIL");
        if (atom && !nil) {
            out.writeBytes(value);
            return this;
        }
        return quotedOrLiteral(value);
    }

    private static boolean isLetter(byte c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    private ImapEncoder quotedOrLiteral(byte[] value) {
        refuseControls(value);
        boolean ascii = value.length <= QUOTED_OCTETS_MAX;
        for (byte c : value) {
            ascii &= c > 0;
        }
        if (!ascii) {
            return literal(value);
        }
        out.write('"');
        for (byte c : value) {
            if (c == '"' || c == '\\') {
                out.write('\\');
            }
            out.write(c);
        }
        out.write('"');
        return this;
    }

    private static void refuseControls(byte[] value) {
        for (byte c : value) {
            if (c == 0 || c == '\r' || c == '\n') {
                throw new IllegalArgumentException("CR, LF and NUL cannot be part of a command");
            }
        }
    }

    private ImapEncoder literal(byte[] value) {
        boolean unasked = literalsUnasked && value.length <= LITERAL_UNASKED_OCTETS_MAX;
        ascii("{" + value.length + (unasked ? "+}" : "}") + "\r\n");
        if (!unasked) {
            endPart();
        }
        out.writeBytes(value);
        return this;
    }

    private static byte[] utf8(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
    }

    private ImapEncoder ascii(String text) {
        out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    private void endPart() {
        parts.add(out.toByteArray());
        out.reset();
    }
}
