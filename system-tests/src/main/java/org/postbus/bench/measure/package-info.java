/**
 * Measurement: process statistics, observers of topics and connections, percentiles. Nothing here knows which benchmark uses it.
 */
package org.postbus.bench.measure;
