/**
 * The values of IMAP, as callers and all other layers use them: mailbox names, flags, sets of UIDs, what can be fetched, and what
 * comes back.
 *
 * <p>Pure. How they are written is in {@code grammar.command}, how they are read in {@code grammar.response}.
 */
package org.postbus.mail.imap.grammar;
