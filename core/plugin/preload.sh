#!/bin/sh
# preload.sh - plugins as parts of the program (configure --enable-preloaded).
#
#   preload.sh table NAME...                 prints the table of built-in plugins as C
#   preload.sh archive NAME OUTPUT WORD...   makes an archive of one object that is the plugin as a whole
#
# WORDs are what libtool would link a module of: objects (.lo) and convenience libraries (.la); others are
# left out. A plugin shows its entry point alone, as a module does: two of them may have functions of the
# same name, and neither takes the core's. LD, OBJCOPY and AR name the tools.
set -eu

table() {
    printf '/* Made by preload.sh. */\n#include <stddef.h>\n\n#include "plugin/loader.h"\n\n'
    for name; do
        printf 'extern tow_plugin_entry %s_LTX_tow_plugin_entry;\n' "$name"
    done
    printf '\nconst struct tow_builtin tow_builtins[] = {\n'
    for name; do
        printf '    {"%s", %s_LTX_tow_plugin_entry},\n' "$name" "$name"
    done
    printf '    {NULL, NULL},\n};\n'
}

# member FILE VARIABLE: what a libtool file says of itself, as a path.
member() {
    value=$(sed -n "s/^$2='\(.*\)'\$/\1/p" "$1")
    case $value in
    '' | none)
        echo "preload.sh: $1 has no $2" >&2
        exit 1
        ;;
    esac
    printf '%s/%s\n' "$(dirname "$1")" "$value"
}

archive() {
    name=$1 output=$2 objects="" libraries=""
    shift 2
    for word; do
        case $word in
        *.lo) objects="$objects $(member "$word" pic_object)" ;;
        *.la) libraries="$libraries $(dirname "$word")/.libs/$(basename "$(member "$word" old_library)")" ;;
        esac
    done
    whole=${output%.a}-whole.o
    # shellcheck disable=SC2086
    ${LD:?} -r -o "$whole" $objects --start-group $libraries --end-group
    "${OBJCOPY:?}" --keep-global-symbol="${name}_LTX_tow_plugin_entry" "$whole"
    rm -f "$output"
    "${AR:?}" cr "$output" "$whole"
    rm -f "$whole"
}

mode=$1
shift
"$mode" "$@"
