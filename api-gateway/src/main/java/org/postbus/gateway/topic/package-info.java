/**
 * What the gateway publishes: three outgoing channels of SmallRye Reactive Messaging. Settings are in application.properties.
 *
 * <p>The connector runs KafkaProducer.send, which can block, on a thread of its own, so all methods here may be called on an event
 * loop. A send ends within {@link org.postbus.gateway.topic.Sends#MAX}, with the broker's acknowledgement or with a failure.
 *
 * <p>Consuming does not belong here. LiveChanges (package change) is no channel: every gateway reads all partitions, without a
 * group, from a position that it chooses itself, and must know when it has that position; a channel's consumer gets its partitions
 * from a group, or without one starts at an offset that the application does not learn.
 */
package org.postbus.gateway.topic;
