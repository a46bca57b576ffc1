package org.postbus.gateway.submission;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.james.mime4j.message.BasicBodyFactory;
import org.apache.james.mime4j.message.BodyPart;
import org.apache.james.mime4j.message.BodyPartBuilder;
import org.apache.james.mime4j.stream.RawField;
import org.postbus.gateway.submission.Draft.Attachment;
import org.postbus.mail.smtp.OutgoingMessage;

/**
 * The part of an attachment: base64, except that a message is sent as it is. RFC 2046 section 5.2.1 allows no encoding of {@code message/rfc822},
 * and programs show nothing of one that is encoded. A message that is not US-ASCII in lines of at most {@value
 * OutgoingMessage#LINE_OCTETS_MAX} octets cannot be sent as it is, because no server has to take it: it goes as a file. Pure.
 */
final class AttachmentPart {
    private AttachmentPart() {}

    static BodyPart of(Attachment attachment) throws IOException {
        boolean isMessage = attachment.type().toLowerCase(Locale.ROOT).startsWith("message/");
        boolean asItIs = isMessage && canBeSentAsItIs(attachment.content());
        String type = isMessage && !asItIs ? "application/octet-stream" : attachment.type();
        String name = isMessage && !asItIs && !attachment.name().endsWith(".eml")
                ? attachment.name() + ".eml"
                : attachment.name();
        BodyPartBuilder part = BodyPartBuilder.create()
                .setBody(BasicBodyFactory.INSTANCE.binaryBody(
                        asItIs ? withNetworkLineEnds(attachment.content()) : attachment.content()))
                .setContentTransferEncoding(asItIs ? "7bit" : "base64");
        String disposition = attachment.cid().isPresent() ? "inline" : "attachment";
        part.setField(new RawField("Content-Type", type + parameter("name", name)));
        part.setField(new RawField("Content-Disposition", disposition + parameter("filename", name)));
        attachment.cid().ifPresent(cid -> part.setField(new RawField("Content-ID", "<" + cid + ">")));
        return part.build();
    }

    /**
     * A quoted string where that can hold the name, which every program reads; else as in RFC 2231 section 4, which takes any character and is for
     * the file name only.
     */
    private static String parameter(String parameter, String name) {
        if (name.chars().allMatch(c -> c >= ' ' && c < 0x7F)) {
            return "; " + parameter + "=\"" + name.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        }
        if (!parameter.equals("filename")) {
            return "";
        }
        return "; filename*=UTF-8''"
                + URLEncoder.encode(name, StandardCharsets.UTF_8)
                        .replace("+", "%20")
                        .replace("*", "%2A");
    }

    private static boolean canBeSentAsItIs(byte[] message) {
        int line = 0;
        for (int i = 0; i < message.length; i++) {
            byte octet = message[i];
            boolean bareCr = octet == '\r' && (i + 1 == message.length || message[i + 1] != '\n');
            line = octet == '\n' ? 0 : line + 1;
            // The CR before a LF belongs to the line end.
            if (octet <= 0 || bareCr || line > OutgoingMessage.LINE_OCTETS_MAX + (octet == '\r' ? 1 : 0)) {
                return false;
            }
        }
        return true;
    }

    private static byte[] withNetworkLineEnds(byte[] message) {
        return new String(message, StandardCharsets.US_ASCII)
                .replace("\r\n", "\n")
                .replace("\n", "\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }
}
