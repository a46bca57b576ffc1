/**
 * Mailboxes as readers see them, and mutations of mailboxes. The queue in which mutations wait for outbound-service belongs to
 * mutation.
 */
package org.postbus.gateway.mailbox;
