package org.postbus.mail.mime.header;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.james.mime4j.stream.BodyDescriptor;
import org.apache.james.mime4j.stream.BodyDescriptorBuilder;
import org.apache.james.mime4j.stream.Field;
import org.apache.james.mime4j.stream.RawField;
import org.apache.james.mime4j.util.ByteSequence;
import org.postbus.mail.mime.encoding.TransferEncoding;

/**
 * The header of a message or part: collects the fields that are needed while mime4j reads them, and controls how mime4j
 * continues. A multipart that is nested too deep or has no boundary is presented as an opaque leaf, so that mime4j does
 * not parse its content.
 */
public final class EntityHeader implements BodyDescriptorBuilder {
    private static final Set<String> OF_MESSAGE = Set.of(
            "message-id",
            "in-reply-to",
            "references",
            "sender",
            "from",
            "to",
            "cc",
            "bcc",
            "reply-to",
            "subject",
            "date");
    private static final Set<String> OF_PART =
            Set.of("content-type", "content-transfer-encoding", "content-disposition", "content-id");
    /** RFC 2046 section 5.1.1 allows 70. */
    private static final int BOUNDARY_LENGTH_MAX = 1000;

    private final HeaderLimits limits;
    private final int depth;
    private final String parentType;
    /** Unfolded values, a char per byte, by name in lower case. */
    private final Map<String, String> fields = new HashMap<>();

    private int fieldCount;
    private int byteCount;
    private boolean overLimit;
    private String type = "";

    /** @param depth 0 for the message itself */
    public EntityHeader(HeaderLimits limits, int depth, String parentType) {
        this.limits = limits;
        this.depth = depth;
        this.parentType = parentType;
    }

    /** The fields read so far; the map grows while the header is read. */
    public Map<String, String> fields() {
        return fields;
    }

    @Override
    public void reset() {
        fields.clear();
        fieldCount = 0;
        byteCount = 0;
        overLimit = false;
    }

    @Override
    public Field addField(RawField field) {
        fieldCount++;
        ByteSequence bytes = field.getRaw();
        byteCount += bytes == null ? 0 : bytes.length();
        if (fieldCount > limits.fieldsMax() || byteCount > limits.bytesMax()) {
            overLimit = true;
            return null;
        }
        String name = field.getNameLowerCase();
        boolean ofPart = OF_PART.contains(name);
        if (bytes != null && (ofPart || depth == 0 && OF_MESSAGE.contains(name))) {
            byte[] raw = bytes.toByteArray();
            int colon = 0;
            while (colon < raw.length && raw[colon] != ':') {
                colon++;
            }
            String value = HeaderText.unfold(HeaderText.ofBytes(raw, Math.min(raw.length, colon + 1)))
                    .strip();
            // RFC 8621 section 4.1.3 takes the last one of a header; for the structure the first decides, as
            // everywhere.
            if (ofPart) {
                fields.putIfAbsent(name, value);
            } else {
                fields.put(name, value);
            }
        }
        return null;
    }

    @Override
    public Entity build() {
        HeaderParameters contentType = HeaderParameters.parse(fields.getOrDefault("content-type", ""));
        type = type(contentType.value());
        Optional<String> boundary =
                contentType.parameter("boundary").filter(text -> text.length() <= BOUNDARY_LENGTH_MAX);
        boolean isMultipart = type.startsWith("multipart/");
        boolean isOpaque = isMultipart && (depth >= limits.depthMax() || boundary.isEmpty());
        return new Entity(
                Map.copyOf(fields),
                type,
                isOpaque,
                overLimit || isMultipart && depth >= limits.depthMax(),
                boundary.orElse(null),
                contentType,
                HeaderParameters.parse(fields.getOrDefault("content-disposition", "")),
                TransferEncoding.of(fields.getOrDefault("content-transfer-encoding", "")));
    }

    private String type(String declared) {
        int slash = declared.indexOf('/');
        boolean isType = slash > 0
                && slash < declared.length() - 1
                && declared.length() <= 255
                && declared.chars().allMatch(c -> c > ' ' && c < 0x7F);
        if (isType) {
            return declared;
        }
        return parentType.equals("multipart/digest") ? "message/rfc822" : "text/plain";
    }

    @Override
    public EntityHeader newChild() {
        return new EntityHeader(limits, depth + 1, type);
    }

    /**
     * A finished header.
     *
     * @param fields unfolded, a char per byte, by name in lower case
     * @param isOpaque a multipart whose content is not parsed
     */
    public record Entity(
            Map<String, String> fields,
            String type,
            boolean isOpaque,
            boolean overLimit,
            String boundary,
            HeaderParameters contentType,
            HeaderParameters disposition,
            TransferEncoding encoding)
            implements BodyDescriptor {

        boolean isMultipart() {
            return type.startsWith("multipart/") && !isOpaque;
        }

        @Override
        public String getMimeType() {
            return isOpaque ? "application/octet-stream" : type;
        }

        @Override
        public String getMediaType() {
            return getMimeType().substring(0, getMimeType().indexOf('/'));
        }

        @Override
        public String getSubType() {
            return getMimeType().substring(getMimeType().indexOf('/') + 1);
        }

        @Override
        public String getBoundary() {
            return boundary;
        }

        @Override
        public String getCharset() {
            return "us-ascii";
        }

        /** Identity, so that mime4j hands the bytes over as they are. */
        @Override
        public String getTransferEncoding() {
            return "binary";
        }

        @Override
        public long getContentLength() {
            return -1;
        }
    }
}
