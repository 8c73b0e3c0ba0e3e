#!/bin/sh
# One of two halves of the end-to-end tests, for machines that can run both at once. Those of the
# daemon are run_daemon.sh's.
exec "$(dirname "$0")/run.sh" --part 2/2 --ignore-glob='test_daemon*'
