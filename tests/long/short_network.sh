#!/bin/sh
# Those who misbehave before the servers that towpath has, for some seconds, for `make check`; short.sh has some of
# the network campaign. The environment is that of ../e2e/run.sh.
set -eu
TOWPATH_NETWORK_SAMPLE=${TOWPATH_NETWORK_SAMPLE:-1}
export TOWPATH_NETWORK_SAMPLE
exec sh "$(dirname "$0")/run.sh" test_network_servers.py
