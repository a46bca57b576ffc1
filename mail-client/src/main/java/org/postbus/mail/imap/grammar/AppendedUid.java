package org.postbus.mail.imap.grammar;

/** Where an appended message is: APPENDUID (RFC 4315). */
public record AppendedUid(long uidValidity, long uid) {}
