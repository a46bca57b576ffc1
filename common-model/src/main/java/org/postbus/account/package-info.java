/**
 * An account: its servers, its credential, and the state of its sync.
 *
 * <p>Does not belong here: how a credential is encrypted ({@code account.cipher}), and how a connection is opened (mail-client).
 */
package org.postbus.account;
