/** Limits of how often something happens. Does not belong here: which limits tenants have ({@code quota}) and who sends wrong keys ({@code authentication}). */
package org.postbus.gateway.rate;
