/**
 * The names of the topics, and the small records between services: which accounts exist, notifications, sync requests, dead letters.
 *
 * <p>Does not belong here: observations and changes, which have packages of their own, and Kafka clients (service-kit).
 */
package org.postbus.topic;
