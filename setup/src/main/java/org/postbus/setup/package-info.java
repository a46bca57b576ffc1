/**
 * The program that prepares PostgreSQL and Kafka for Postbus, before the services start. With dev-stack the same code runs in the launcher.
 *
 * <p>Does not belong here: what the services do while they run.
 */
package org.postbus.setup;
