/**
 * Mutations as values: folding, the server snapshot that they are applied to, outcomes, and what each failure means. Pure: no I/O, no clock.
 * {@link org.postbus.outbound.mutation.MailServer} is what the protocol packages implement.
 */
package org.postbus.outbound.mutation;
