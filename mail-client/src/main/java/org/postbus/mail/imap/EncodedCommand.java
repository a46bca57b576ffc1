package org.postbus.mail.imap;

import java.util.List;

/**
 * A command in octets.
 *
 * @param parts the first is sent at once, each further one when the server has asked for it with {@code +}
 */
record EncodedCommand(List<byte[]> parts) {}
