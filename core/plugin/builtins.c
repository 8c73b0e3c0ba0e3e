/* No plugin is part of a program that brings no table of its own. */
#include <stddef.h>

#include "plugin/loader.h"

const struct tow_builtin tow_builtins[] = {{NULL, NULL}};
