/**
 * The one configuration of Kafka clients: where the brokers are, TLS, SASL, and what every producer of Postbus guarantees. For clients that a
 * service makes by hand and for the channels of SmallRye Reactive Messaging. Topics and records do not belong here: they are contracts
 * (common-model) or a service's own.
 */
package org.postbus.kit.kafka;
