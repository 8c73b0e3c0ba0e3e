#!/bin/sh
# One of three parts of the end-to-end tests, which run side by side: they wait more than they
# compute. Those of the daemon are run_daemon.sh's.
exec "$(dirname "$0")/run.sh" --part 1/3 --ignore-glob='test_daemon*'
