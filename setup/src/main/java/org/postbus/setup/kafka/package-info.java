/**
 * Kafka's topics, the users of the services and of subscribers, and what each of them may do.
 *
 * <p>Does not belong here: the names of the topics, which are a contract (common-model).
 */
package org.postbus.setup.kafka;
