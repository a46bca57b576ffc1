/**
 * What only Gmail needs over IMAP: its labels (X-GM-EXT-1). See ADR 7.
 */
package org.postbus.fetcher.imap.gmail;
