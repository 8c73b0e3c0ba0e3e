#!/bin/sh
# The end-to-end tests of the daemon, which mostly wait for clocks: beside the others, not after
# them. The environment is that of run.sh.
set -eu
cd "$(dirname "$0")"
exec sh ./run.sh test_daemon*.py
