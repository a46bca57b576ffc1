/**
 * Tells a caller early which servers Postbus would not connect to. The policy itself, and the connector that enforces it, are in mail-client.
 */
package org.postbus.gateway.egress;
