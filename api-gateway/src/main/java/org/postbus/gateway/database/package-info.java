/**
 * The two ways to the tables. Both set {@code app.tenant} first. A transaction is of one kind or the other, because Hibernate and
 * the SQL client share no connection:
 *
 * <ul>
 *   <li>{@link org.postbus.gateway.database.Sessions} (Hibernate Reactive) for everything that writes a table that the gateway owns
 *       (account, credential, account_tombstone, idempotency_key), and for reads that entities map. A request with an
 *       Idempotency-Key writes idempotency_key and does its work in one transaction, so its work is done in the session too:
 *       rows of pending_changes and submission are inserted by native queries, and the change log is appended to by calling
 *       its SQL function in a native query ({@link org.postbus.gateway.database.SessionChangeLog}).
 *   <li>{@link org.postbus.kit.sql.TenantTransactions} (SQL client) for what writes only tables that services share: retrying,
 *       discarding and canceling in pending_changes and submission, with the change log appended to in the same transaction. Also
 *       for reads that no entity maps well, for streams, and for AccountPublisher: its transaction spans tenants, holds an
 *       advisory lock and waits for the broker.
 * </ul>
 *
 * <p>The gateway only reads api_key, by the function tenant_of_api_key: keys are issued by the launcher.
 */
package org.postbus.gateway.database;
