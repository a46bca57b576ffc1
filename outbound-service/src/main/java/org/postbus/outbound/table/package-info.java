/**
 * The SQL of this service: claims, outcomes, logins and the server snapshot, each within the caller's transaction. What an outcome means is
 * decided in {@code mutation} and {@code submission}. Shared SQL, such as the change-log append, belongs in service-kit.
 */
package org.postbus.outbound.table;
