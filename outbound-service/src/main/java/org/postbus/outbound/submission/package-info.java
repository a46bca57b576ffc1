/**
 * Submissions as values: tasks, outcomes, and what each failure means. Pure: no I/O, no clock. {@link
 * org.postbus.outbound.submission.SubmissionServer} and {@link org.postbus.outbound.submission.SentMail} are what the protocol packages
 * implement.
 */
package org.postbus.outbound.submission;
