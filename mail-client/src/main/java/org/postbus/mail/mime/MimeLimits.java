package org.postbus.mail.mime;

import org.postbus.mail.mime.header.HeaderLimits;
import org.postbus.model.EmailBody;

/**
 * Limits of one message. Beyond a limit the rest is left out, and {@link ParsedEmail#isIncomplete()} is true.
 *
 * @param depthMax of nested multiparts; a deeper one is one opaque attachment
 * @param partsMax leaves of the MIME tree
 * @param headerFieldsMax of the message and of each part
 * @param headerBytesMax of the message's header, and of each part's
 * @param textBytesMax of all body values together, in UTF-8
 */
public record MimeLimits(int depthMax, int partsMax, int headerFieldsMax, int headerBytesMax, int textBytesMax) {
    public static final MimeLimits DEFAULTS = new MimeLimits(32, 1000, 1000, 256 * 1024, EmailBody.TEXT_BYTES_MAX);

    public MimeLimits {
        if (depthMax < 1 || partsMax < 1 || headerFieldsMax < 1 || headerBytesMax < 1 || textBytesMax < 0) {
            throw new IllegalArgumentException("a limit is too small");
        }
    }

    HeaderLimits header() {
        return new HeaderLimits(headerFieldsMax, headerBytesMax, depthMax);
    }
}
