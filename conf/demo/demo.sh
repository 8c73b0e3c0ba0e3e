# Run by `./quickstart demo` from the top folder, after the build. Works on a copy in build/demo.
demo=$top/build/demo
rm -rf "$demo"
mkdir -p "$demo"
cp "$top/conf/demo/audience.csv" "$top/conf/demo/audience.cfg" "$demo/"
export TOWPATH_STATE="$demo/state.db" TOWPATH_PLUGIN_PATH="$top/build/.libs"
towpath=$top/build/towpath

say "towpath check audience.cfg"
"$towpath" check "$demo/audience.cfg"
say "towpath run audience.cfg"
"$towpath" run "$demo/audience.cfg"
say "towpath rejects 1"
"$towpath" rejects 1
say "out/audience.ndjson, the first lines"
head -n 3 "$demo/out/audience.ndjson"
say "out/results.csv, the first lines"
head -n 5 "$demo/out/results.csv"
say "towpath runs"
"$towpath" runs

cat <<END

Where everything lies:
  job         $demo/audience.cfg
  input       $demo/audience.csv
  output      $demo/out/audience.ndjson
  results     $demo/out/results.csv
  state       $demo/state.db
  rejects     $demo/state.rejects/demo_audience/1.ndjson
END
