/**
 * PostgreSQL through the Vert.x client: connection settings, transactions that carry their tenant, and the one Java caller of the functions
 * that append to the change log. Statements of a service's own tables do not belong here, nor does Hibernate.
 */
package org.postbus.kit.sql;
