/**
 * Errors as RFC 9457 problems: the values, and the one class that maps a failure to a response. Texts say what is wrong and what
 * the caller can do. Depends on no other package of the gateway.
 */
package org.postbus.gateway.problem;
