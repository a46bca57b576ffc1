/** Messages to be sent: checking and composing them, and the queue (table submission). Sending belongs to outbound-service. */
package org.postbus.gateway.submission;
