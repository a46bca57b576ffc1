/**
 * The queue of mutations (table pending_changes): listing, retrying, discarding. What a mutation of an email or a mailbox may ask
 * for belongs to email and mailbox; what it does on a mail server belongs to outbound-service.
 */
package org.postbus.gateway.mutation;
