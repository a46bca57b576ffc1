/**
 * Who makes a request: API keys, and the tenant that a key stands for. Does not belong here: what a tenant may see, which
 * row-level security decides in the database.
 */
package org.postbus.gateway.authentication;
