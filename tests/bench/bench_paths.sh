#!/bin/sh
# make bench-paths - what the program takes for its paths: csv -> typed columns -> nowhere, -> ndjson, and
# csv -> ttd.
#
#   TOWPATH              the program
#   TOWPATH_PLUGIN_PATH  its plugins
#   GEN                  the generator of inputs
#   RECEIVER             a server that answers at once
#   BENCH_ROWS           rows of the smaller input (1000000); the larger has ten times as many
#   BENCH_DIR            a folder for inputs and outputs; by default in memory
#
# One core; medians of five runs. "MB/s" is input by CPU time, user and system together.
set -eu
: "${TOWPATH:?}" "${TOWPATH_PLUGIN_PATH:?}" "${GEN:?}" "${RECEIVER:?}"
rows=${BENCH_ROWS:-1000000}
dir=$(mktemp -d "${BENCH_DIR:-/dev/shm}/towpath-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
export TOWPATH_STATE="$dir/state.db" TOWPATH_PLUGIN_PATH

columns() { # KIND
    case $1 in
    narrow)
        echo '{ name = "id"; type = "int64"; }, { name = "ts"; type = "timestamp"; },
              { name = "amount"; type = "float64"; }, { name = "score"; type = "float64"; },
              { name = "segment"; }, { name = "active"; type = "bool"; },
              { name = "day"; type = "date"; }, { name = "note"; }' ;;
    wide)
        echo '{ name = "id"; type = "int64"; }, { name = "uid"; }, { name = "email_sha256"; },
              { name = "segment"; }, { name = "ttl"; type = "int32"; },
              { name = "event_ts"; type = "timestamp"; }, { name = "day"; type = "date"; },
              { name = "value"; type = "float64"; }, { name = "active"; type = "bool"; },
              { name = "note"; }, { name = "code"; }, { name = "quantity"; type = "int32"; },
              { name = "score"; type = "float64"; }, { name = "updated_ts"; type = "timestamp"; },
              { name = "source"; }, { name = "opt_out"; type = "bool"; },
              { name = "total"; type = "float64"; }, { name = "region"; },
              { name = "weight"; type = "float64"; }, { name = "last_day"; type = "date"; }' ;;
    esac
}

job() { # NAME INPUT [KIND SINK]
    cat >"$dir/$1.cfg" <<END
version = 1;
job = {
  name = "$1";
  source = { plugin = "csv"; path = "$2"; };
  columns = ( $(columns "${3:-narrow}") );
  sink = { ${4:-plugin = \"file\"; path = \"$1.ndjson\";} };
};
END
}

median() { # of the lines of standard input
    sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

# timed FORMAT COMMAND...: the figure of five runs, by GNU time's FORMAT, one a line.
timed() {
    format=$1
    shift
    for _ in 1 2 3 4 5; do
        taskset -c 0 /usr/bin/time -f "$format" -o "$dir/time" "$@" >/dev/null 2>"$dir/err" ||
            { cat "$dir/err" >&2; exit 1; }
        tail -n 1 "$dir/time"
    done
}

# Typed batches, and nothing done with them: the way in alone.
in_alone() { # KIND ROWS
    "$GEN" "$1" "$2" >"$dir/in.csv"
    job in in.csv "$1" 'plugin = "null";'
    "$TOWPATH" run -q --json "$dir/in.cfg" | grep -q "\"accepted\": *$2[^0-9]" ||
        { echo "csv -> null: not all of $2 rows were accepted" >&2; exit 1; }
    for index in avx512 avx2 sse2 scalar; do
        TOWPATH_CSV_INDEX=$index "$TOWPATH" check -q "$dir/in.cfg" >"$dir/err" 2>&1 || continue
        export TOWPATH_CSV_INDEX=$index
        timed '%U %S %M' "$TOWPATH" run -q "$dir/in.cfg" >"$dir/figures"
        unset TOWPATH_CSV_INDEX
        bytes=$(wc -c <"$dir/in.csv")
        cpu=$(awk '{print $1 + $2}' "$dir/figures" | median)
        memory=$(awk '{print $3}' "$dir/figures" | median)
        awk -v k="$1" -v n="$2" -v i="$index" -v b="$bytes" -v c="$cpu" -v m="$memory" 'BEGIN {
            printf "csv -> null,   %9d rows  %5.0f MB/s a core, %.1f MiB resident; %s, by %s\n",
                n, b / c / 1e6, m / 1024, k, i }'
    done
    rm -f "$dir/in.csv"
}

through() { # NAME ROWS
    "$GEN" narrow "$2" >"$dir/$1.csv"
    job "$1" "$1.csv"
    timed '%U %S %M' "$TOWPATH" run -q "$dir/$1.cfg" >"$dir/figures"
    bytes=$(wc -c <"$dir/$1.csv")
    cpu=$(awk '{print $1 + $2}' "$dir/figures" | median)
    memory=$(awk '{print $3}' "$dir/figures" | median)
    lines=$(wc -l <"$dir/$1.ndjson")
    [ "$lines" = "$2" ] || { echo "$1: $lines rows came out of $2" >&2; exit 1; }
    awk -v n="$2" -v b="$bytes" -v c="$cpu" -v m="$memory" 'BEGIN {
        printf "csv -> ndjson, %9d rows  %5.0f MB/s a core, %.1f MiB resident\n", n, b / c / 1e6, m / 1024 }'
    rm -f "$dir/$1.csv" "$dir/$1.ndjson"
}

# Rows to The Trade Desk. The receiver has a core of its own, and counts what came.
push() { # ROWS
    "$GEN" audience "$1" >"$dir/push.csv"
    mkfifo "$dir/hold"
    taskset -c 1 "$RECEIVER" "$dir/port" '{"FailedLines":null}' <"$dir/hold" >"$dir/received" &
    exec 9>"$dir/hold"
    while [ ! -f "$dir/port" ]; do :; done
    cat >"$dir/push.cfg" <<END
version = 1;
job = {
  name = "push";
  source = { plugin = "csv"; path = "push.csv"; };
  columns = ( { name = "id_type"; }, { name = "id_value"; }, { name = "segment_name"; },
              { name = "timestamp_utc"; type = "timestamp"; }, { name = "ttl_in_minutes"; type = "int32"; } );
  sink = { plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "\${env:TTD_TOKEN}";
           server_url = "http://127.0.0.1:$(cat "$dir/port")"; };
};
END
    TTD_TOKEN=bench
    export TTD_TOKEN
    timed '%U %S %M' "$TOWPATH" run -q "$dir/push.cfg" >"$dir/figures"
    exec 9>&-
    wait
    cpu=$(awk '{print $1 + $2}' "$dir/figures" | median)
    memory=$(awk '{print $3}' "$dir/figures" | median)
    awk -v n="$1" -v c="$cpu" -v m="$memory" -v r="$(cat "$dir/received")" 'BEGIN {
        printf "csv -> ttd,    %9d rows  %5.2f million rows a CPU second, %.1f MiB resident; five runs: %s\n",
            n, n / c / 1e6, m / 1024, r }'
    rm -f "$dir/push.csv"
}

in_alone wide $((rows * 4))
in_alone narrow $((rows * 10))
through small "$rows"
through large $((rows * 10))
push "$rows"

"$GEN" narrow 100 >"$dir/tiny.csv"
job tiny tiny.csv
echo "run of 100 rows               $(timed '%e' "$TOWPATH" run -q "$dir/tiny.cfg" | median) s"
mkdir "$dir/jobs"
cp "$dir/tiny.csv" "$dir/jobs/"
i=0
while [ $i -lt 100 ]; do
    sed "s/\"tiny\"/\"tiny$i\"/; s/tiny.ndjson/tiny$i.ndjson/" "$dir/tiny.cfg" >"$dir/jobs/tiny$i.cfg"
    i=$((i + 1))
done
echo "check of 100 job files        $(timed '%e' "$TOWPATH" check -q "$dir/jobs" | median) s"
