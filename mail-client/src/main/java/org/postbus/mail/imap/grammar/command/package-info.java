/**
 * Commands to an IMAP server, and the encoder that writes them. The encoder alone decides between atom, quoted string and literal, and
 * refuses CR, LF and NUL, so no string becomes a second command.
 *
 * <p>Pure. Which command is sent when belongs in {@code session} and {@code connection}.
 */
package org.postbus.mail.imap.grammar.command;
