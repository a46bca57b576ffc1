/**
 * The queue of mutations (table pending_changes): listing, retrying, discarding.
 *
 * <p>Does not belong here: which mutations of emails and mailboxes are valid (packages {@code email} and {@code mailbox}), and
 * applying them on a mail server (outbound-service).
 */
package org.postbus.gateway.mutation;
