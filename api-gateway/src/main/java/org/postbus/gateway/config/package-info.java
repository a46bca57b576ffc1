/** The operator's settings and what is made from them at start. Fixed limits are defined in the classes that enforce them. */
package org.postbus.gateway.config;
