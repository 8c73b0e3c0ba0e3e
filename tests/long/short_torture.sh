#!/bin/sh
# A sample of the torture campaign for `make check`: a few numbers of each fault, by the chances of
# TOWPATH_LONG_SEED, on paths that need no far end. The environment is that of ../e2e/run.sh.
set -eu
cd "$(dirname "$0")"
case ${SANITIZERS-} in
"") sample=2 paths=csv-file,events-file ;;
*) sample=1 paths=events-file ;; # each run takes many times as long
esac
TOWPATH_TESTS=$PWD
TOWPATH_LONG_SAMPLE=${TOWPATH_LONG_SAMPLE:-$sample}
TOWPATH_LONG_PATHS=${TOWPATH_LONG_PATHS:-$paths}
export TOWPATH_TESTS TOWPATH_LONG_SAMPLE TOWPATH_LONG_PATHS
exec sh ../e2e/run.sh test_torture_campaign.py "$@"
