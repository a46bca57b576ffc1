/** What every REST resource needs: JSON, ids in paths, pages, the limit of a body. No resource belongs here. */
package org.postbus.gateway.rest;
