/**
 * Database transactions. There are two kinds, and each sets {@code app.tenant} before its first statement. Hibernate and the SQL
 * client share no connection, so all statements of a transaction use the same one of the two:
 *
 * <ul>
 *   <li>{@link org.postbus.gateway.database.Sessions} (Hibernate Reactive) for requests that write a table that the gateway owns (account,
 *       credential, account_tombstone, idempotency_key), and for reads that entities map. A request with an Idempotency-Key
 *       writes idempotency_key and does its work in one transaction, so its work is done in the session too:
 *       rows of pending_changes and submission are inserted by native queries, and the change log is appended to by calling
 *       its SQL function in a native query ({@link org.postbus.gateway.database.SessionChangeLog}).
 *   <li>{@link org.postbus.kit.sql.TenantTransactions} (SQL client) for requests that write only tables that services share:
 *       retrying, discarding and canceling in pending_changes and submission, with the change log appended to in the same
 *       transaction, and storing a body that was read on request. Also for reads that no entity maps well, and for streams.
 *   <li>One job writes tables of the gateway through TenantTransactions: AccountPublisher stores the published revision in account
 *       and deletes from account_tombstone. Its transaction spans tenants, holds an advisory lock and waits for the broker.
 * </ul>
 *
 * <p>Tenants, keys and the audit log are read and written through TenantTransactions. What concerns several tenants is an SQL function
 * (V011): the look-up of a key, the list of tenants.
 */
package org.postbus.gateway.database;
