/**
 * The lower bound that each measurement is compared with: raw clients that get the same data or notifications from a mail server, or make the
 * same changes on it, with the least work.
 */
package org.postbus.bench.floor;
