/**
 * Administration from the shell: {@code ./postbus tenant} and {@code ./postbus key}. Each command is some calls of the gateway's admin API. Does not
 * belong here: rules about tenants and keys, which the gateway has.
 */
package org.postbus.devstack.admin;
