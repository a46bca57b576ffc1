/**
 * From {@code change_log} to the topic {@code postbus.changes}, after the commit, while later batches are applied. Publishes all committed rows,
 * including those that other services appended. Observations do not belong here.
 */
package org.postbus.writer.publish;
