/**
 * Short conversations with mail servers that no account depends on: discovering the servers of an address, and trying a login
 * out. Nothing is stored. Reading mail does not belong here: see content.
 */
package org.postbus.gateway.probe;
