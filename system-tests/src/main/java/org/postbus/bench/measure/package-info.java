/**
 * Measurement: process statistics, observers of topics and connections, percentiles. Does not belong here: code of a single benchmark.
 */
package org.postbus.bench.measure;
