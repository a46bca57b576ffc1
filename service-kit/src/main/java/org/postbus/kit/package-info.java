/** What every service needs around its work and no two services may write twice. The packages below hold one concern each. */
package org.postbus.kit;
