#!/bin/sh
# The long campaigns: run.sh [NAME ...] [pytest's arguments]. NAME is torture, crash, network, fuzz: NAME.sh or
# test_NAME_campaign.py in this folder; without one, all that are here. The environment is that of ../e2e/run.sh, and
#   TOWPATH_LONG_RESULTS   a file that each campaign adds its counts to, a line of JSON for each path
#   TOWPATH_LONG_SEED      for other chances than the usual ones
#   TOWPATH_NETWORK_POSITIONS   exchanges that each fault of the network campaign meets (3)
#   TOWPATH_LONG_KILLS     kills for each path of the crash campaign (200)
set -eu
cd "$(dirname "$0")"
TOWPATH_TESTS=$PWD
export TOWPATH_TESTS
tests=
status=0

campaign() {
    if [ -e "$1.sh" ]; then
        "./$1.sh" || status=1
    elif [ "$1" = network ]; then
        tests="$tests test_proxy.py test_network_campaign.py test_network_servers.py"
    elif [ -e "test_$1_campaign.py" ]; then
        tests="$tests test_$1_campaign.py"
    else
        echo "there is no campaign $1" >&2
        exit 2
    fi
}

while [ $# -gt 0 ]; do
    case $1 in
    -* | test_*) break ;;
    *) campaign "$1" ;;
    esac
    shift
    tests="$tests "
done
if [ -z "$tests$*" ]; then
    for name in torture crash network fuzz; do
        if [ -e "$name.sh" ] || [ -e "test_${name}_campaign.py" ]; then
            campaign "$name"
        fi
    done
fi
case $tests$* in
*test_*)
    # shellcheck disable=SC2086
    sh ../e2e/run.sh -s $tests "$@" || status=1
    ;;
esac
exit $status
