#!/bin/sh
# What the webhook of lytics_audience_changes takes: messages of 1 KB over 64 connections, each
# answered once it is durable, then loaded as rows into files. The spool lies in the working folder's
# file system, unless SPOOL names a folder: what a sync costs there decides.
set -eu
: "${TOWPATH:?}" "${HOOK_SENDER:?}"
seconds=${SECONDS_EACH:-10} connections=${CONNECTIONS:-64} bytes=${BYTES:-1000}
work=$(mktemp -d "${SPOOL:-.}/bench-hook-XXXXXX")
trap 'kill "$run" 2>/dev/null || :; wait 2>/dev/null || :; rm -rf "$work"' EXIT
cat >"$work/job.cfg" <<END
version = 1;
job = {
  name = "hook";
  source = { plugin = "lytics_audience_changes"; audiences = [ "vip" ]; id_field = "email"; spool = "spool";
             listen = "127.0.0.1:0"; max_spool = "8GiB"; };
  sink = { plugin = "file"; path = "out-{load}.ndjson"; };
  load = { max_rows = 100000; max_age = "5m"; };
};
END
TOWPATH_STATE=$work/state.db
export TOWPATH_STATE
"$TOWPATH" run "$work/job.cfg" >/dev/null 2>"$work/log" &
run=$!
tries=0
while ! grep -q "listening on port" "$work/log"; do
    tries=$((tries + 1))
    if ! kill -0 "$run" || [ "$tries" -ge 200 ]; then
        cat "$work/log"
        exit 1
    fi
    sleep 0.05
done
port=$(sed -n 's/.*listening on port \([0-9]*\).*/\1/p' "$work/log")
"$HOOK_SENDER" "$port" /lytics "$connections" "$seconds" "$bytes"
awk '/VmHWM|VmRSS/ { print $1, $2 / 1024, "MiB" }' "/proc/$run/status"
awk -v hz="$(getconf CLK_TCK)" '{ print "user", $14 / hz, "s, system", $15 / hz, "s" }' "/proc/$run/stat"
