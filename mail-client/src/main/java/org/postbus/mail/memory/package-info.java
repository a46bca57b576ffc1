/**
 * What mail servers make this process keep in memory, counted over all connections.
 *
 * <p>Only the count and its limit. What one connection or one answer may have is a limit of its protocol.
 */
package org.postbus.mail.memory;
