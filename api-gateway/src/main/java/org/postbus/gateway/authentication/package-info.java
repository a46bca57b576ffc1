/**
 * Authentication of requests: API keys, and the tenant of each key. Does not belong here: which rows a tenant may see, which
 * row-level security in the database decides.
 */
package org.postbus.gateway.authentication;
