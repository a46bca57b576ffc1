/**
 * Which hosts the gateway may connect to for a tenant. Belongs here: the policy and the list of special-purpose networks. Does
 * not belong here: opening connections (mail-client), and which hosts an account names (package {@code account}).
 */
package org.postbus.gateway.egress;
