/**
 * {@code bench latency}: from the arrival of a message to its event.
 */
package org.postbus.bench.latency;
