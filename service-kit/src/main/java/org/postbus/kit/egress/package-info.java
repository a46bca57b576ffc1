/** The settings of the egress policy, and the connector that the process uses. The policy itself belongs to mail-client. */
package org.postbus.kit.egress;
