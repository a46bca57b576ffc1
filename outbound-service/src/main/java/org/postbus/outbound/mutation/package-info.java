/**
 * Mutations as values: folding, the server snapshot that they are applied to, outcomes, and what each failure means. Pure: no I/O, no clock. The
 * protocol packages implement {@link org.postbus.outbound.mutation.MailServer}.
 */
package org.postbus.outbound.mutation;
