/**
 * What the gateway publishes: three outgoing channels of SmallRye Reactive Messaging. Settings are in application.properties.
 *
 * <p>The connector runs KafkaProducer.send, which can block, on a thread of its own, so all methods here may be called on an event
 * loop. A send ends within {@link org.postbus.gateway.topic.Sends#MAX}, with the broker's acknowledgement or with a failure.
 *
 * <p>Consuming does not belong here. LiveChanges (package change) uses a Kafka consumer of its own instead of a channel. Every
 * gateway reads all partitions, without a consumer group, from their ends, and must know when the consumer has reached these
 * positions: from then on no change is missed. A channel's consumer gets its partitions from a group, or without a group starts
 * at offsets that the application cannot query.
 */
package org.postbus.gateway.topic;
