/**
 * The system under test: all of Postbus started anew, and a mail server with mail in it. Figures and tables belong to the benchmarks.
 */
package org.postbus.bench.stage;
