/** Rules about packages that the tests of every module apply to it. */
package org.postbus.architecture;
