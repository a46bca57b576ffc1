/**
 * From {@code change_log} to the topic {@code postbus.changes}, after the commit and beside the next batch. Publishes what is committed,
 * whoever appended it, and knows nothing of observations.
 */
package org.postbus.writer.publish;
