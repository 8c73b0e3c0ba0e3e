#!/bin/sh
# try-preloaded.sh - builds towpath with its plugins as parts of the program, and tries it without a
# folder of plugins: once with all of them, once as a static executable with those that need no network.
#
#   packaging/try-preloaded.sh [FOLDER]
#
# FOLDER is where it is built (build-preloaded). What it takes is measured beside the build in build/, where
# there is one. Needs a python3 with pytest, named by PYTHON3 or found by configure.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
folder=$top/${1:-build-preloaded}
jobs=$(nproc)
[ -x configure ] || autoreconf -fi

# make_it FOLDER LDFLAGS LIBS [configure arguments]
make_it() {
    mkdir -p "$1" && cd "$1"
    ldflags=$2 libs=$3
    shift 3
    "$top/configure" --prefix="$PWD/installed" ${PYTHON3:+PYTHON3="$PYTHON3"} "$@" >configure.log
    make -s -j "$jobs" towpath LDFLAGS="$ldflags" LIBS="$libs" >make.log 2>&1 || { tail -20 make.log; exit 1; }
    cd "$top"
}

# suite PROGRAM [pytest arguments]: end-to-end tests with this program and an empty folder of plugins.
suite() {
    program=$1
    shift
    mkdir -p "$folder/none"
    TOWPATH=$program TOWPATH_PLUGIN_PATH=$folder/none TOWPATH_SOURCE=$top \
        PYTHON3=${PYTHON3:-$(sed -n 's/^PYTHON3 = //p' "$folder/all/Makefile")} tests/e2e/run.sh "$@"
}

# milliseconds PROGRAM: processor time of one start that says its version; the mean of 100.
milliseconds() {
    sh -c 'for _ in $(seq 100); do "$1" version; done >/dev/null; times' sh "$1" | tail -1 |
        sed 's/[ms]/ /g' | awk '{ printf "%.1f", ($1 * 60 + $2 + $3 * 60 + $4) * 10 }'
}

# measure WHAT PROGRAM
measure() {
    cp "$2" "$folder/stripped" && strip "$folder/stripped"
    printf '%-34s %8d KiB stripped, %s shared objects, %s ms a start\n' "$1" \
        $(($(stat -c %s "$folder/stripped") / 1024)) "$(ldd "$2" 2>/dev/null | grep -c '=>')" "$(milliseconds "$2")"
}

make_it "$folder/all" '' '' --enable-preloaded
make -C "$folder/all" -s install >"$folder/all/install.log" 2>&1 || { tail "$folder/all/install.log"; exit 1; }
all=$folder/all/installed/bin/towpath
found=$(find "$folder/all/installed" -name '*.so')
[ -z "$found" ] || { echo "try-preloaded.sh: modules were installed: $found" >&2; exit 1; }
"$all" plugins list
# The suite's test of a module wants a module.
suite "$all" --deselect test_cli.py::test_a_plugin_passes_the_conformance_suite test_csv_file.py test_cli.py

# What can be static: docs/hacking.md says why no more.
make_it "$folder/static" -all-static -lm --enable-preloaded=csv,file,null --without-isal --disable-hardening
static=$folder/static/towpath
if readelf -lW "$static" | grep -q INTERP; then
    echo "try-preloaded.sh: $static asks for a loader" >&2
    exit 1
fi
suite "$static" test_csv_file.py

[ ! -x build/.libs/csv.so ] || measure "plugins as modules" build/towpath
measure "all plugins built in" "$all"
measure "csv, file and null, all static" "$static"
echo "all of it works"
