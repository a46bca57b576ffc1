/**
 * The memory that a service has for what other machines send: its limit as a setting, its use as metrics. What is counted belongs to the code
 * that receives it.
 */
package org.postbus.kit.memory;
