#!/bin/sh
# The sandbox's own tests: that it does what the services do which it stands in for.
#   PYTHON3   a python3 with pytest and the packages of requirements.lock
# Arguments go to pytest.
set -eu
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
cd "$(dirname "$0")"
exec "${PYTHON3:-python3}" -m pytest -q -p no:cacheprovider "$@"
