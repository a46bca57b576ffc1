/**
 * PostgreSQL as the writer uses it: its connections, and one class per table, which alone knows the SQL of that table. Rows are passed as the
 * values of {@code decide}. Nothing is decided here, and no class here knows in which order the tables are written.
 */
package org.postbus.writer.table;
