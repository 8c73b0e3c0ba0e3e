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

# What the sandbox says of itself under a name.
about() {
    printf '%s\n' "$line" | sed "s/.*\"$1\": \"\([^\"]*\)\".*/\1/"
}

# Starts the stand-in for The Trade Desk and for Databricks. It says where it is, and ends with
# descriptor 9.
start_sandbox() {
    mkfifo hold about
    PYTHONPATH=$here/../../tests/sandbox "$python" -m towpath_sandbox <hold >about &
    exec 9>hold
    read -r line <about
    TTD_URL=$(about url)
    TTD_TOKEN=$(about ttd_token)
    LAKEHOUSE_URL=$(about url)
    LAKEHOUSE_TOKEN=$(about token)
    LAKEHOUSE_WAREHOUSE=$(about warehouse_id)
    export TTD_URL TTD_TOKEN LAKEHOUSE_URL LAKEHOUSE_TOKEN LAKEHOUSE_WAREHOUSE
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

show towpath run load.cfg
show towpath run read_back.cfg
show head -n 3 out/read_back.csv
exec 9>&-

show towpath runs

cat <<END

Where everything lies, in $demo:
  audience.cfg                            the job
  audience.csv                            its input
  out/audience.ndjson                     its output
  out/results.csv                         what became of each row
  push.cfg, segments.csv                  the job that pushes to The Trade Desk, and its input
  load.cfg, read_back.cfg                 the jobs that load a Databricks table and read it
  out/read_back.csv                       what came back
  state.db                                runs and checkpoints
  state.rejects/demo_audience/1.ndjson    what run 1 rejected

To go on from here:
  cd "$demo"
  export PATH="$build:\$PATH" TOWPATH_PLUGIN_PATH="$build/.libs" TOWPATH_STATE="$demo/state.db"
  towpath plan audience.cfg
  towpath replay 1 --dry-run

A job of your own, step by step: docs/first-job.md
END
