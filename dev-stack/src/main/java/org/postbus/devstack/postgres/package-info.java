/**
 * PostgreSQL as a child process, migrated, with the services' roles, and API keys in its tables.
 *
 * <p>Queries of tests and benchmarks belong to them.
 */
package org.postbus.devstack.postgres;
