/** The header Idempotency-Key and the table behind it. The work of a request belongs in the package of its resource. */
package org.postbus.gateway.idempotency;
