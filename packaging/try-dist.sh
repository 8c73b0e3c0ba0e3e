#!/bin/sh
# try-dist.sh - whether a release tarball is complete: makes one, and builds, tests and installs from it in
# other folders, with a read-only source and without git (automake's distcheck).
#
#   packaging/try-dist.sh [BUILD] [TEST...]
#
# BUILD is a configured build folder (build), TESTs are unit programs to build and run there (one of them).
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ $# = 0 ] || shift
tests=${*:-tests/unit/test_csv_random}
no_git=$(mktemp -d)
trap 'rm -rf "$no_git"' EXIT
printf '#!/bin/sh\necho "git was called: $*" >&2\nexit 1\n' >"$no_git/git"
chmod +x "$no_git/git"
PATH=$no_git:$PATH
export PATH
log=$build/try-dist.log
make -C "$build" -s -j "$(nproc)" distcheck AM_MAKEFLAGS=-s TESTS="$tests tests/hardening.sh" check_PROGRAMS="$tests" check_LTLIBRARIES= >"$log" 2>&1 ||
    { tail -40 "$log" >&2; exit 1; }
echo "the tarball is complete"
