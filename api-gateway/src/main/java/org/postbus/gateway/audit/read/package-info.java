/** Reading the audit log: a tenant its own, an operator all of it. Does not belong here: writing it ({@code audit}). */
package org.postbus.gateway.audit.read;
