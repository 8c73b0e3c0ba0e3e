#!/bin/sh
# try.sh - within a fresh system that has the packages: what a user does first.
set -eu
towpath version
towpath plugins list
cd "$(mktemp -d)"
printf 'id,name,at\n1,Ann,2026-03-01T10:00:00Z\n2,"Bob, the second",\n' >people.csv
towpath init --source csv --sink file >job.cfg 2>/dev/null || :
cat >job.cfg <<'END'
version = 1;
job = {
  name = "people";
  source = { plugin = "csv"; path = "people.csv"; };
  columns = ( { name = "id"; type = "int64"; }, { name = "name"; }, { name = "at"; type = "timestamp"; } );
  sink = { plugin = "file"; path = "people.ndjson"; };
};
END
towpath check job.cfg
towpath run job.cfg
grep -q '{"id":2,"name":"Bob, the second","at":null}' people.ndjson
for job in /usr/share/doc/towpath/examples/*/*.cfg; do
    grep -q '^job' "$job" || continue
    env DATABRICKS_TOKEN=x TTD_TOKEN=x LYTICS_TOKEN=x LYTICS_WEBHOOK_SECRET=x ZEROBUS_CLIENT_ID=x ZEROBUS_CLIENT_SECRET=x \
        towpath check -q "$job" || echo "example $job: see above"
done
# A plugin from the headers alone.
apt-get install -y --no-install-recommends gcc libc6-dev pkg-config >/dev/null 2>&1
cp -r /usr/share/doc/towpath-dev/guide/counter.c .
# shellcheck disable=SC2046
gcc -shared -fPIC -Wl,-z,defs $(pkg-config --cflags towpath) counter.c $(pkg-config --libs towpath) -o counter.so
towpath plugins test ./counter.so
echo "all of it works"
