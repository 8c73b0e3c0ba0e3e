/* How many processors this process may run on: where it is one, a second thread is of no use. */
#ifndef CONNECTORS_MACHINE_PROCESSORS_H
#define CONNECTORS_MACHINE_PROCESSORS_H

#include <sched.h>

static inline int tow_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

#endif
