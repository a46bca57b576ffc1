/**
 * Accounts: the resource, the entities and tables that the gateway owns (account, credential, account_tombstone), and the
 * publication of accounts to postbus.accounts. Trying a login belongs in package {@code probe}.
 */
package org.postbus.gateway.account;
