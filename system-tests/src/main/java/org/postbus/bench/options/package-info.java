/**
 * Parsing of the benchmarks' options, and the option values that several benchmarks share. No I/O.
 */
package org.postbus.bench.options;
