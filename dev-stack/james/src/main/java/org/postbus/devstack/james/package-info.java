/**
 * James as dev-stack runs it: its main class, and replacements of parts of its in-memory store. Runs in a JVM of its own, with James's
 * libraries only.
 */
package org.postbus.devstack.james;
