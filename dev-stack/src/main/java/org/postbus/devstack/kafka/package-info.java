/**
 * Kafka as a child process with Postbus's topics.
 *
 * <p>Does not belong here: consumers and producers, which the code that needs them creates.
 */
package org.postbus.devstack.kafka;
