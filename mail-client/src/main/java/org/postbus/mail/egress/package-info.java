/**
 * The only way to a host that a tenant, a DNS record, a redirect or a mail server named. {@code EgressPolicy} says where connections may lead,
 * {@code EgressConnector} resolves a name once, checks every address and connects to the address that it checked.
 *
 * <p>Pure: {@code HostName}, {@code PublicAddress}, {@code PortRange}, {@code EgressPolicy}, {@code ConnectionErrors}. Protocols
 * do not belong here, and neither do connections to our own PostgreSQL and Kafka.
 */
package org.postbus.mail.egress;
