#!/bin/sh
# The end-to-end tests over the built program; the test harness sets the variables.
#   TOWPATH              the program
#   TOWPATH_PLUGIN_PATH  its plugins
#   PYTHON3              a python3 with pytest
#   SANITIZERS           flags of a build with sanitizers
#   TOWPATH_TESTS        the folder, unless it is this one
# Arguments go to pytest.
set -eu
: "${TOWPATH:?names the built program}" "${TOWPATH_PLUGIN_PATH:?names the folder of the plugins}"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE TOWPATH TOWPATH_PLUGIN_PATH
# At the end of a program LeakSanitizer attaches to its threads, and where one of them is just ending it
# now and then fails by itself. What leaks is found by the unit programs.
case ${SANITIZERS-} in
*address*)
    ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
    export ASAN_OPTIONS
    ;;
esac
cd "${TOWPATH_TESTS:-$(dirname "$0")}"
exec "${PYTHON3:-python3}" -m pytest -q -p no:cacheprovider "$@"
