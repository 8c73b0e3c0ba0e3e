#!/bin/sh
# Some of the network campaign, by chance, for `make check`; run.sh has all of it. The environment is that of
# ../e2e/run.sh.
set -eu
TOWPATH_NETWORK_SAMPLE=${TOWPATH_NETWORK_SAMPLE:-5}
export TOWPATH_NETWORK_SAMPLE
exec sh "$(dirname "$0")/run.sh" test_network_campaign.py test_network_servers.py
