/**
 * Kafka as a child process with Postbus's topics.
 *
 * <p>Consumers and producers belong to their users.
 */
package org.postbus.devstack.kafka;
