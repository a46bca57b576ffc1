/**
 * The writer's decisions, as functions and values: whether a batch is the next one, which stored email an observation means, what it changes,
 * which thread an email belongs to, which mutation caused a change. No SQL, no Kafka, no clock; time and new ids are arguments.
 */
package org.postbus.writer.decide;
