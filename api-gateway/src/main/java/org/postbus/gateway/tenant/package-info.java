/**
 * Tenants, as operators administer them: creating, suspending, deleting. A suspended tenant's accounts are paused; a deleted tenant's data is
 * erased by a job. Does not belong here: keys ({@code key}).
 */
package org.postbus.gateway.tenant;
