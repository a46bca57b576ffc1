/**
 * One flush of an account: claim due items, use the account's server, store the outcomes, request a sync. Opens and pools the connections to
 * servers. Protocol commands belong in {@code imap}, {@code jmap} and {@code smtp}; the meaning of a failure in {@code mutation} and
 * {@code submission}.
 */
package org.postbus.outbound.flush;
