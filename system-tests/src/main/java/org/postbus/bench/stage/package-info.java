/**
 * The system under test: all of Postbus started anew, and a mail server with mail in it. Measuring and reporting belong in the packages of the
 * benchmarks.
 */
package org.postbus.bench.stage;
