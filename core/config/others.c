#include "config/others.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* A group that needs more room has many members, and so is nobody's own. */
#define OTHERS_ENTRY_MAX 4096

/* As Debian's and Fedora's sshd have it. */
static int others_group_is_own(uid_t owner, gid_t gid)
{
    char user_text[OTHERS_ENTRY_MAX], group_text[OTHERS_ENTRY_MAX];
    struct passwd user, *found_user = NULL;
    struct group group, *found_group = NULL;

    if (getpwuid_r(owner, &user, user_text, sizeof user_text, &found_user) || !found_user ||
        getgrgid_r(gid, &group, group_text, sizeof group_text, &found_group) || !found_group)
        return 0;
    if (user.pw_gid != gid || strcmp(user.pw_name, group.gr_name) != 0)
        return 0;
    for (char **member = group.gr_mem; *member; member++)
        if (strcmp(*member, user.pw_name) != 0)
            return 0;
    return 1;
}

int tow_others_write(const struct stat *info, char who[TOW_OTHERS_MAX])
{
    unsigned mode = info->st_mode & 07777;

    if (mode & S_IWOTH)
        snprintf(who, TOW_OTHERS_MAX, "every user can write it (mode %04o)", mode);
    else if (mode & S_IWGRP && !others_group_is_own(info->st_uid, info->st_gid))
        snprintf(who, TOW_OTHERS_MAX, "group %lu can write it (mode %04o)",
                 (unsigned long)info->st_gid, mode);
    else
        return 0;
    return 1;
}

int tow_others_replace(const struct stat *folder, char who[TOW_OTHERS_MAX])
{
    return !(folder->st_mode & S_ISVTX) && tow_others_write(folder, who);
}
