/** The operator's settings and what is made from them at start. Limits that no operator changes stand in the classes that keep them. */
package org.postbus.gateway.config;
