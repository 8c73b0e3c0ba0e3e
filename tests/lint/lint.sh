#!/bin/sh
# Static analysis: shellcheck, cppcheck, gcc -fanalyzer and clang-tidy over all that is compiled or run by a shell.
#
#   make lint                        all of it, about a quarter of an hour of one core
#   make lint LINTERS="cppcheck tidy"   some of it: shell, cppcheck, analyzer, tidy
#
# What is found is a failure: it is mended, or left out by the narrowest means there is, with its reason beside it. Variables:
#   SOURCE, BUILD   the folders of sources and of the build (config.h)
#   JOBS            processes at once (default: as many as there are processors)
#   FILES           the C files (default: all)
set -u
SOURCE=$(cd "${SOURCE:-$(dirname "$0")/../..}" && pwd)
BUILD=$(cd "${BUILD:-$SOURCE/build}" && pwd)
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 1)}
cd "$SOURCE" || exit 2

# Compiled alike all over the tree (Makefile.am).
FLAGS="-std=gnu11 -DHAVE_CONFIG_H -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icore -I. -I$BUILD -Itests/unit"
failed=0

need() {
    command -v "$1" >/dev/null && return
    echo "lint: $1 is not here: apt-get install $2" >&2
    failed=1
    return 1
}

files() {
    if [ -n "${FILES-}" ]; then
        # shellcheck disable=SC2086 # names of this tree
        printf '%s\n' $FILES
    else
        find core connectors plugins docs tests -name '*.c' | sort
    fi
}

# each COMMAND: for each C file of standard input by itself, which is its $1, since clang-tidy mixes up what it knows of several. $FLAGS is what it is
# compiled with.
each() {
    # shellcheck disable=SC2016 # for the shell below
    FLAGS="$FLAGS" xargs -P "$JOBS" -n 1 nice -n 10 sh -c '
        # That file is what the model stands for.
        [ "$1" = core/kit/error.c ] || FLAGS="$FLAGS -include tests/lint/model.h"
        '"$1" sh
}

verdict() {
    if [ "$2" = 0 ]; then
        echo "lint: $1: clean"
    else
        echo "lint: $1: findings above"
        failed=1
    fi
}

shell_scripts() {
    find . \( -name .git -o -path "./build*" -o -name build-aux -o -name autom4te.cache \) -prune -o -type f -size -100k -print |
        grep -vE '\.(c|h|py|md|o|lo|la|so)$|/(configure|config\.[a-z]+|libtool)' |
        while read -r file; do
            head -n 1 "$file" | grep -qE '^#! ?/(usr/)?bin/(env )?(ba|da)?sh' && echo "$file"
        done
}

# SC1091: files of the system are not followed. SC2016: text for another shell, or another time, has its $ in it.
lint_shell() {
    need shellcheck shellcheck || return
    shell_scripts | xargs shellcheck --exclude=SC1091,SC2016
    verdict shellcheck $?
}

# Without the model: it has one of its own for what cannot be seen.
lint_cppcheck() {
    need cppcheck cppcheck || return
    files >"$BUILD/lint-files"
    # shellcheck disable=SC2086 # flags
    nice -n 10 cppcheck -q -j "$JOBS" --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 \
        -DHAVE_CONFIG_H -D_GNU_SOURCE -D__x86_64__ -D__linux__ -Icore -I. -I"$BUILD" --file-list="$BUILD/lint-files"
    verdict cppcheck $?
}

# Not the tests: that cmocka's assertions do not return is nothing it can see. Leaks are left to the leak sanitizer, valgrind and the tests in which each allocation fails in turn: GCC 12 takes what is
# stored in a structure of the caller's for lost. What it is wrong about otherwise stands in analyzer.txt.
lint_analyzer() {
    need gcc gcc || return
    # shellcheck disable=SC2016 # for the shell of each
    files | grep -v '^tests/' | each 'gcc $FLAGS -O1 -fanalyzer -Wno-analyzer-malloc-leak -c -o /dev/null "$1"' 2>"$BUILD/lint-found"
    status=$?
    sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: warning: .*\[-W([a-z-]+)\]$/\1 \2/p' "$BUILD/lint-found" | sort -u |
        awk 'NR == FNR { if (!/^#/) known[$1 " " $2] = 1; next } !known[$0]' tests/lint/analyzer.txt - >"$BUILD/lint-new"
    if [ "$status" != 0 ] || [ -s "$BUILD/lint-new" ]; then
        status=1
        cat "$BUILD/lint-found" "$BUILD/lint-new"
    fi
    verdict "gcc -fanalyzer" "$status"
}

lint_tidy() {
    need clang-tidy clang-tidy || return
    # shellcheck disable=SC2016 # for the shell of each
    files | each 'clang-tidy --quiet "$1" -- $FLAGS 2>/dev/null'
    verdict clang-tidy $?
}

# shellcheck disable=SC2048 # each word is one
for part in ${*:-shell cppcheck analyzer tidy}; do
    case $part in
    shell) lint_shell ;;
    cppcheck) lint_cppcheck ;;
    analyzer) lint_analyzer ;;
    tidy) lint_tidy ;;
    *)
        echo "lint: no part is named $part: shell, cppcheck, analyzer, tidy" >&2
        exit 2
        ;;
    esac
done
exit $failed
