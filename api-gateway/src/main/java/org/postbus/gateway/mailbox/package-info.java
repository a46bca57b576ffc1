/**
 * Mailboxes as readers see them, and mutations of mailboxes.
 *
 * <p>Does not belong here: the queue of mutations (package {@code mutation}).
 */
package org.postbus.gateway.mailbox;
