#!/bin/sh
# The end-to-end tests over the built program; the test harness sets the variables.
#   TOWPATH              the program
#   TOWPATH_PLUGIN_PATH  its plugins
#   PYTHON3              a python3 with pytest
# Arguments go to pytest.
set -eu
: "${TOWPATH:?names the built program}" "${TOWPATH_PLUGIN_PATH:?names the folder of the plugins}"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE TOWPATH TOWPATH_PLUGIN_PATH
cd "$(dirname "$0")"
exec "${PYTHON3:-python3}" -m pytest -q -p no:cacheprovider "$@"
