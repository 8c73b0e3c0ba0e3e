#!/bin/sh
# demo.sh BUILD_FOLDER PYTHON - what `./quickstart demo` runs after the build: the jobs of this folder, on
# a copy in BUILD_FOLDER/demo. PYTHON has the packages of tests/sandbox.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1
python=$2
demo=$build/demo

PATH=$build:$PATH
TOWPATH_PLUGIN_PATH=$build/.libs
TOWPATH_STATE=$demo/state.db
export PATH TOWPATH_PLUGIN_PATH TOWPATH_STATE

show() {
    printf '\n== %s\n' "$*"
    "$@"
}

# Starts the stand-in for The Trade Desk. It says where it is, and ends with descriptor 9.
start_sandbox() {
    mkfifo hold about
    PYTHONPATH=$here/../../tests/sandbox "$python" -m towpath_sandbox <hold >about &
    exec 9>hold
    read -r line <about
    TTD_URL=$(printf '%s\n' "$line" | sed 's/.*"url": "\([^"]*\)".*/\1/')
    TTD_TOKEN=$(printf '%s\n' "$line" | sed 's/.*"ttd_token": "\([^"]*\)".*/\1/')
    export TTD_URL TTD_TOKEN
    rm hold about
}

rm -rf "$demo"
mkdir -p "$demo"
cp "$here"/*.csv "$here"/*.cfg "$demo/"
cd "$demo"

show towpath check audience.cfg
show towpath run audience.cfg
show towpath rejects 1
show head -n 3 out/audience.ndjson
show head -n 5 out/results.csv

start_sandbox
show towpath run push.cfg
show towpath rejects 2
printf '\n== the mended line of push.cfg\n'
sed -i '/type = "int32"; }$/d; s/# \({ name = "ttl_in_minutes".*\)/\1/' push.cfg
grep null_if push.cfg
show towpath replay 2 --set results.path=out/mended.csv
show cat out/push.csv out/mended.csv
exec 9>&-

show towpath runs

cat <<END

Where everything lies, in $demo:
  audience.cfg                            the job
  audience.csv                            its input
  out/audience.ndjson                     its output
  out/results.csv                         what became of each row
  push.cfg, segments.csv                  the job that pushes to The Trade Desk, and its input
  state.db                                runs and checkpoints
  state.rejects/demo_audience/1.ndjson    what run 1 rejected

To go on from here:
  cd "$demo"
  export PATH="$build:\$PATH" TOWPATH_PLUGIN_PATH="$build/.libs" TOWPATH_STATE="$demo/state.db"
  towpath plan audience.cfg
  towpath replay 1 --dry-run
END
