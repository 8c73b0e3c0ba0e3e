/*
 * Takes from a process what it will not need: Linux's seccomp. What is refused are system calls by
 * which code that got in through data, or through a library, would go further: to start programs,
 * look into other processes, change users, mount, load modules. All else goes on as before, so that
 * libraries and plugins do.
 */
#ifndef CORE_CONFINE_H
#define CORE_CONFINE_H

/*
 * For all threads, from now on and for good; the calls fail with EPERM. NULL where that is done,
 * else why not: another system or processor than x86-64 and AArch64, a kernel without it, a build
 * with sanitizers, which start programs of their own. Never in a process that has to start
 * programs: they would inherit it.
 */
const char *tow_process_confine(void);

#endif
