/**
 * PostgreSQL as a child process, migrated, with the services' roles, and API keys in its tables.
 *
 * <p>Does not belong here: queries of a test or benchmark, which it sends itself.
 */
package org.postbus.devstack.postgres;
