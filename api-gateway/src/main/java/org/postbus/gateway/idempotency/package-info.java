/** The header Idempotency-Key and the table behind it. What a request does belongs to its resource. */
package org.postbus.gateway.idempotency;
