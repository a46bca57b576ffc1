/**
 * Encoding of observations, and their publication to Kafka, in order and in batches of limited size. What an observation means does not belong
 * here.
 */
package org.postbus.fetcher.publish;
