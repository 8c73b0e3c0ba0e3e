#!/bin/sh
# The crash campaign with a few kills for each path, for `make check`: other ones each time. To see the same again,
# set TOWPATH_LONG_SEED to what it printed. The environment is that of ../e2e/run.sh.
set -eu
TOWPATH_TESTS=$(cd "$(dirname "$0")" && pwd)
TOWPATH_LONG_SEED=${TOWPATH_LONG_SEED:-$(date +%s)}
TOWPATH_LONG_ROWS=${TOWPATH_LONG_ROWS:-300}
case ${SANITIZERS-} in
'') TOWPATH_LONG_KILLS=${TOWPATH_LONG_KILLS:-2} ;;
*) TOWPATH_LONG_KILLS=${TOWPATH_LONG_KILLS:-1} ;;
esac
export TOWPATH_TESTS TOWPATH_LONG_SEED TOWPATH_LONG_ROWS TOWPATH_LONG_KILLS
echo "TOWPATH_LONG_SEED=$TOWPATH_LONG_SEED"
exec sh "$TOWPATH_TESTS/../e2e/run.sh" test_crash_campaign.py test_accounts.py test_report.py "$@"
