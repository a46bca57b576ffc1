package org.postbus.fetcher.imap.message;

import java.util.Map;
import org.postbus.mail.mime.LargeMessage;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.ParsedEmail;

/** What was fetched of a message. Large arrays: they are not copied and must not be changed. */
public sealed interface MessageContent {
    ParsedEmail parsed();

    /** Whether the body that was read is all that a reader is shown, and all attachments. */
    boolean hasBody();

    /** Of the message, as far as it was fetched: for a server that does not tell its size. */
    long octets();

    record Whole(byte[] raw) implements MessageContent {
        @Override
        public ParsedEmail parsed() {
            return MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);
        }

        @Override
        public boolean hasBody() {
            return true;
        }

        @Override
        public long octets() {
            return raw.length;
        }
    }

    /** @param texts of {@link LargeMessage#wantedTexts} */
    record InParts(LargeMessage message, Map<String, byte[]> texts) implements MessageContent {
        @Override
        public ParsedEmail parsed() {
            return message.with(texts);
        }

        @Override
        public boolean hasBody() {
            return true;
        }

        @Override
        public long octets() {
            return message.octets();
        }
    }

    /** Too large to be held, on a server that does not know its own message's parts: the body is fetched on demand. */
    record Beginning(byte[] raw) implements MessageContent {
        @Override
        public ParsedEmail parsed() {
            return MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);
        }

        @Override
        public boolean hasBody() {
            return false;
        }

        @Override
        public long octets() {
            return raw.length;
        }
    }
}
