#!/bin/sh
# The crash and network campaigns with a few trials each, for `make check`: other ones each time. To see the same
# again, set TOWPATH_LONG_SEED to what it printed. The environment is that of ../e2e/run.sh.
set -eu
TOWPATH_TESTS=$(cd "$(dirname "$0")" && pwd)
TOWPATH_LONG_SEED=${TOWPATH_LONG_SEED:-$(date +%s)}
TOWPATH_LONG_ROWS=${TOWPATH_LONG_ROWS:-300}
export TOWPATH_TESTS TOWPATH_LONG_SEED TOWPATH_LONG_ROWS
case ${SANITIZERS-} in
'')
    : "${TOWPATH_LONG_KILLS:=2}" "${TOWPATH_NETWORK_SAMPLE:=8}"
    tests='test_crash_campaign.py test_network_campaign.py test_accounts.py test_report.py'
    ;;
*)
    : "${TOWPATH_LONG_KILLS:=1}" "${TOWPATH_NETWORK_SAMPLE:=0}"
    tests='test_crash_campaign.py test_accounts.py'
    ;;
esac
export TOWPATH_LONG_KILLS TOWPATH_NETWORK_SAMPLE
echo "TOWPATH_LONG_SEED=$TOWPATH_LONG_SEED"
# shellcheck disable=SC2086
exec sh "$TOWPATH_TESTS/../e2e/run.sh" $tests "$@"
