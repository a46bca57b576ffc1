/**
 * From {@code change_log} to the topic {@code postbus.changes}, after the commit and beside the next batch. Publishes what is committed,
 * also rows that other services appended, and does not know observations.
 */
package org.postbus.writer.publish;
