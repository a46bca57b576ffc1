package org.postbus.mail.imap.grammar.command;

import java.util.List;

/**
 * A command in octets.
 *
 * @param parts the first is sent at once, each further one after the continuation {@code +}
 */
public record EncodedCommand(List<byte[]> parts) {}
