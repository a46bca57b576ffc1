/** What every REST resource needs: JSON, ids in paths, pages, headers of answers. No resource belongs here. */
package org.postbus.gateway.rest;
