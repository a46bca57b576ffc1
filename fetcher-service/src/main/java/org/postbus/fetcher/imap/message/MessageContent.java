package org.postbus.fetcher.imap.message;

import java.util.Map;
import org.postbus.mail.mime.LargeMessage;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.ParsedEmail;

/** What was fetched of a message. The arrays are large, so they are not copied and must not be changed. */
public sealed interface MessageContent {
    ParsedEmail parsed();

    /** Whether the body is complete: all text that readers see, and all attachments. */
    boolean hasBody();

    /** The size of what was fetched, for a server that does not report the message's size. */
    long bytes();

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
        public long bytes() {
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
        public long bytes() {
            return message.octets();
        }
    }

    /** Too large to be held in memory, on a server that does not report its structure: the body is fetched on demand. */
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
        public long bytes() {
            return raw.length;
        }
    }
}
