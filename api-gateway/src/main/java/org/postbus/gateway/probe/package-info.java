/**
 * Discovering the servers of an email address, and trying a login: short connections to mail servers, each with a time limit.
 * Nothing is stored. Reading mail does not belong here: see content.
 */
package org.postbus.gateway.probe;
