/**
 * Two tenants, of which one is hostile: what the other one notices of it. The attack and the measurement are here; starting the system is not.
 */
package org.postbus.bench.tenants;
