/**
 * What every service needs around its work and no two services may write twice. Each package below holds one concern: {@code sql}
 * transactions and connections to PostgreSQL, {@code kafka} the configuration of Kafka clients, {@code concurrent} waiting, loops,
 * pulls and pools. This package itself holds only the failure that all of them report. Nothing here knows mail, accounts' content or a
 * service.
 */
package org.postbus.kit;
