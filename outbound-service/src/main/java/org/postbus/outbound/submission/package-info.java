/**
 * Submissions as values: tasks, outcomes, and what each failure means. Pure: no I/O, no clock. The protocol packages implement {@link
 * org.postbus.outbound.submission.SubmissionServer} and {@link org.postbus.outbound.submission.SentMail}.
 */
package org.postbus.outbound.submission;
