/**
 * How a process reads its settings: names, files that hold secrets, error texts that name the environment variable. The settings themselves
 * belong to the package that uses them.
 */
package org.postbus.kit.settings;
