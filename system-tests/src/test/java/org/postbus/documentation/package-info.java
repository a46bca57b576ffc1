/** Tests that compare the reference tables in {@code docs} with the sources of the services. */
package org.postbus.documentation;
