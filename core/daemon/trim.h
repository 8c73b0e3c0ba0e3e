/* Memory that only starting up, or reading job files, needed. */
#ifndef CORE_DAEMON_TRIM_H
#define CORE_DAEMON_TRIM_H

/*
 * Gives free memory back, and lets go of the pages of programs and libraries that nobody has
 * written to: the system brings those that are needed again from its cache. Symbol tables and
 * relocations of a dozen libraries are most of what a daemon that waits would hold otherwise.
 */
void tow_trim(void);

#endif
