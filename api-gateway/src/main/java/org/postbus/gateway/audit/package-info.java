/**
 * The audit log: who did what, from where, and with which result. Entries are appended in the transaction of what they describe where there
 * is one ({@link org.postbus.gateway.audit.AuditAppend}), else soon afterwards ({@link org.postbus.gateway.audit.AuditLog}). Does not belong
 * here: reading it ({@code audit.read}); deciding who may do something ({@code authentication}).
 */
package org.postbus.gateway.audit;
