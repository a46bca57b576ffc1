/**
 * Migrates a database and sets the passwords of the services' roles.
 *
 * <p>Does not belong here: the migrations themselves, which are a contract (common-model).
 */
package org.postbus.setup.database;
