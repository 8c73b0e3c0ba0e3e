#!/bin/sh
# Looks at the built program and plugins as a distribution's checks would. The test harness sets:
#   TOWPATH, TOWPATH_PLUGIN_PATH, PLUGINS    the program, the folder of its plugins, their names
#   LIBEXEC                                  names of the programs that it starts, beside it
#   HARDENING                                what configure asked compiler and linker for
set -eu
: "${TOWPATH:?names the built program}" "${LIBEXEC:?names those that it starts}" "${TOWPATH_PLUGIN_PATH:?names the folder of the plugins}"

if ! command -v readelf >/dev/null || ! command -v nm >/dev/null; then
    echo "no readelf or nm here"
    exit 77
fi

failed=0

# has FILE WHAT PATTERN COMMAND...: the command's output must have a line like PATTERN.
has() {
    file=$1 what=$2 pattern=$3
    shift 3
    if "$@" "$file" | grep -qE "$pattern"; then
        echo "ok      $file: $what"
    else
        echo "not ok  $file: $what"
        failed=1
    fi
}

# lacks FILE WHAT PATTERN COMMAND...: the command's output must have no line like PATTERN.
lacks() {
    file=$1 what=$2 pattern=$3
    shift 3
    if "$@" "$file" | grep -E "$pattern"; then
        echo "not ok  $file: $what, above"
        failed=1
    else
        echo "ok      $file: no $what"
    fi
}

asked() {
    case " ${HARDENING-} " in *" $1 "*) ;; *) return 1 ;; esac
}

hardened() {
    has "$1" "no executable stack" 'GNU_STACK .* RW +0x' readelf -lW
    lacks "$1" "segment that is written and run" 'LOAD .* RWE ' readelf -lW
    lacks "$1" "text that is changed at start" TEXTREL readelf -dW
    lacks "$1" "folder of its own for libraries" '(RPATH|RUNPATH)' readelf -dW
    if asked RELRO; then
        has "$1" RELRO GNU_RELRO readelf -lW
        has "$1" "bound at start" BIND_NOW readelf -dW
    fi
    ! asked stack-protector || has "$1" "stack protector" ' U __stack_chk_fail' nm -D
    ! asked fortify || has "$1" "fortify" ' U __[a-z]+_chk' nm -D
}

# A plugin is its entry point to the program, and links nothing of it.
closed() {
    exported=$(nm -D --defined-only "$1" | sed 's/^[^ ]* . //')
    name=$(basename "$1" .so)
    if [ "$exported" = "${name}_LTX_tow_plugin_entry" ]; then
        echo "ok      $1: exports its entry point alone"
    else
        printf 'not ok  %s: exports:\n%s\n' "$1" "$exported"
        failed=1
    fi
    if nm -D --undefined-only "$1" | grep ' tow_'; then
        echo "not ok  $1: the symbols above are the program's"
        failed=1
    fi
}

for name in towpath $LIBEXEC; do
    program=$(dirname "$TOWPATH")/$name
    hardened "$program"
    ! asked PIE || has "$program" PIE 'FLAGS_1.* PIE' readelf -dW
done
for plugin in $PLUGINS; do
    hardened "$TOWPATH_PLUGIN_PATH/${plugin%.la}.so"
    closed "$TOWPATH_PLUGIN_PATH/${plugin%.la}.so"
done
exit $failed
