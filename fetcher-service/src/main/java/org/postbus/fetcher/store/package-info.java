/**
 * All SQL of this service: claims and pass numbers, which it writes, and what the writer has stored, which it reads. Decisions do not belong
 * here.
 */
package org.postbus.fetcher.store;
