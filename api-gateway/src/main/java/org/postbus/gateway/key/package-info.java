/**
 * The keys of tenants: making, listing, rotating and revoking them, by an operator or by the tenant itself. Does not belong here: what a key
 * allows ({@code authentication}).
 */
package org.postbus.gateway.key;
