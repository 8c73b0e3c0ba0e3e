#!/bin/sh
# templates.sh SRCDIR - prints core/cli/plugin/templates.c.
set -eu
echo '#include "cli/plugin/templates.h"'
emit() { # NAME FILE [SED]
    printf '\nconst char *const tow_template_%s[] = {\n' "$1"
    sed -e "${3-}" -e 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g; s/.*/    "&",/' "$2"
    printf '    0,\n};\n'
}
emit makefile "$1/core/cli/plugin/Makefile.tmpl"
emit readme "$1/core/cli/plugin/README.tmpl"
emit source_job "$1/core/cli/plugin/source_job.tmpl"
emit sink_job "$1/core/cli/plugin/sink_job.tmpl"
emit source "$1/docs/guide/counter.c" 's/counter/@NAME@/g'
emit sink "$1/docs/guide/tally.c" 's/tally/@NAME@/g'
