/* Keeps what a process has in memory to itself. */
#ifndef CORE_HIDE_H
#define CORE_HIDE_H

#include <sys/prctl.h>

#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define TOW_HIDE_NEVER 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define TOW_HIDE_NEVER 1
#endif

/*
 * From then on the kernel writes no core file of the process, and other processes of its user can
 * neither attach to it nor read its memory or environment. For before secrets are read. Children
 * that are started do not inherit it. A debugger that was there before stays. Nothing in builds
 * with AddressSanitizer, whose search for leaks attaches to the process.
 */
static inline void tow_process_hide(void)
{
#ifndef TOW_HIDE_NEVER
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

#endif
