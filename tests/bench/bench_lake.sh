#!/bin/sh
# make bench-lake - what reading a result of 64 chunks of 20 MB takes, from a workspace on this machine
# that answers at once, into a sink that counts rows.
#
#   TOWPATH              the program
#   TOWPATH_PLUGIN_PATH  its plugins, and the sink tally
#   LAKE                 the workspace
#   BENCH_CHUNKS         chunks of the result (64)
#
# The program on one core, the workspace on the other; medians of five runs.
set -eu
: "${TOWPATH:?}" "${TOWPATH_PLUGIN_PATH:?}" "${LAKE:?}"
dir=$(mktemp -d "${BENCH_DIR:-/dev/shm}/towpath-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
export TOWPATH_STATE="$dir/state.db" TOWPATH_PLUGIN_PATH

mkfifo "$dir/hold"
taskset -c 1 "$LAKE" "$dir/port" "${BENCH_CHUNKS:-64}" <"$dir/hold" >"$dir/served" &
exec 9>"$dir/hold"
while [ ! -f "$dir/port" ]; do sleep 0.01; done

median() { # of the lines of standard input
    sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

for fetches in 1 8 16; do
    cat >"$dir/job.cfg" <<END
version = 1;
job = {
  name = "lake";
  source = { plugin = "databricks"; host = "http://127.0.0.1:$(cat "$dir/port")"; warehouse_id = "bench";
             token = "\${env:DATABRICKS_TOKEN}"; table = "bench"; fetches = $fetches; };
  sink = { plugin = "tally"; path = "rows"; max_rows = 1000000000; };
};
END
    : >"$dir/figures.$fetches"
    for _ in 1 2 3 4 5; do
        DATABRICKS_TOKEN=bench taskset -c 0 /usr/bin/time -f '%e %U %S %M' -o "$dir/time" \
            "$TOWPATH" run -q --full "$dir/job.cfg" 2>"$dir/err" || { cat "$dir/err" >&2; exit 1; }
        tail -n 1 "$dir/time" >>"$dir/figures.$fetches"
        cat "$dir/rows" >"$dir/counted"
    done
done
exec 9>&-
wait
read -r rows buffers bytes <"$dir/served"
[ "$(awk 'NR == 1 {print $2}' "$dir/counted")" = "$rows" ] || { echo "rows are missing" >&2; exit 1; }
for fetches in 1 8 16; do
    wall=$(awk '{print $1}' "$dir/figures.$fetches" | median)
    user=$(awk '{print $2}' "$dir/figures.$fetches" | median)
    system=$(awk '{print $3}' "$dir/figures.$fetches" | median)
    memory=$(awk '{print $4}' "$dir/figures.$fetches" | median)
    awk -v f="$fetches" -v r="$rows" -v b="$buffers" -v z="$bytes" -v w="$wall" -v u="$user" \
        -v s="$system" -v m="$memory" 'BEGIN {
        printf "%2d fetches: %4.0f MB/s of buffers (%4.0f MB/s from the socket), user %.2f s, system %.2f s of %.2f s, %.1f MiB resident\n",
            f, b / w / 1e6, z / w / 1e6, u, s, w, m / 1024 }'
done
echo "a result of $rows rows, $((buffers / 1000000)) MB of buffers, $((bytes / 1000000)) MB compressed"
