/**
 * Request bodies: their octets are counted while they arrive, the memory that they hold is bounded for the process and for each tenant, and
 * large ones are worked on by few threads, on which tenants take turns. What a body means does not belong here: see the resources, and
 * {@link org.postbus.gateway.rest.RequestJson} for its JSON.
 */
package org.postbus.gateway.body;
