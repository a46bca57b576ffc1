/**
 * The floor of each measurement: raw clients that ask a mail server for the same with the least work.
 */
package org.postbus.bench.floor;
