/**
 * PostgreSQL as the writer uses it: its connections, and one class per table with the SQL for it. Rows are passed as the values of {@code
 * decide}.
 *
 * <p>Rules belong in {@code decide}, the order in which tables are written in {@code apply}. Where a rule selects rows, its condition is part of
 * the statement; {@code apply.PassCompletion} explains these rules: {@link org.postbus.writer.table.PendingChangesTable#confirmAppliedBefore}
 * selects the mutations to confirm, {@link org.postbus.writer.table.EmailTable#deleteUnlinkedBefore} the emails to destroy.
 */
package org.postbus.writer.table;
