#!/bin/sh
# demo.sh BUILD_FOLDER - what `./quickstart demo` runs after the build: the job of this folder, on a
# copy in BUILD_FOLDER/demo.
set -eu

here=$(dirname "$0")
build=$1
demo=$build/demo

PATH=$build:$PATH
TOWPATH_PLUGIN_PATH=$build/.libs
TOWPATH_STATE=$demo/state.db
export PATH TOWPATH_PLUGIN_PATH TOWPATH_STATE

show() {
    printf '\n== %s\n' "$*"
    "$@"
}

rm -rf "$demo"
mkdir -p "$demo"
cp "$here/audience.csv" "$here/audience.cfg" "$demo/"
cd "$demo"

show towpath check audience.cfg
show towpath run audience.cfg
show towpath rejects 1
show head -n 3 out/audience.ndjson
show head -n 5 out/results.csv
show towpath runs

cat <<END

Where everything lies, in $demo:
  audience.cfg                            the job
  audience.csv                            its input
  out/audience.ndjson                     its output
  out/results.csv                         what became of each row
  state.db                                runs and checkpoints
  state.rejects/demo_audience/1.ndjson    what run 1 rejected

To go on from here:
  cd "$demo"
  export PATH="$build:\$PATH" TOWPATH_PLUGIN_PATH="$build/.libs" TOWPATH_STATE="$demo/state.db"
  towpath plan audience.cfg
  towpath replay 1 --dry-run
END
