/** What every REST resource needs: JSON, ids in paths, pages, the size limit of a request body. No resource belongs here. */
package org.postbus.gateway.rest;
