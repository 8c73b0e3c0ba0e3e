/* Who but its owner can write a file. */
#ifndef CORE_CONFIG_OTHERS_H
#define CORE_CONFIG_OTHERS_H

#include <sys/stat.h>

/* Says in one clause who can write it ("every user can write it (mode 0666)"). */
#define TOW_OTHERS_MAX 96

/*
 * 1 where users other than the owner can write what stat told about, and `who` says which. A group
 * that has the owner's name and no other member is the owner alone: so a umask of 002 makes files.
 */
int tow_others_write(const struct stat *info, char who[TOW_OTHERS_MAX]);
/* The same for what happens to entries of a folder: in a sticky one, others cannot replace what is
 * not theirs. */
int tow_others_replace(const struct stat *folder, char who[TOW_OTHERS_MAX]);

#endif
