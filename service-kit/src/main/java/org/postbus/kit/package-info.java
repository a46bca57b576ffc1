/**
 * The technical code that all services share. Each package below holds one concern: {@code sql} transactions and connections to PostgreSQL,
 * {@code kafka} the configuration of Kafka clients, {@code keyset} the keyset of credentials, {@code egress} the policy for connections to mail servers, {@code settings} the reading of settings, {@code memory} the limit of what others send, {@code concurrent} waiting, loops, pulls and pools.
 * This package itself holds only the failure that they report.
 *
 * <p>Does not belong here: code that depends on mail, on the content of a table or on a single service.
 */
package org.postbus.kit;
