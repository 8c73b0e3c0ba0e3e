#!/bin/sh
# try.sh - within a fresh system that has the packages: what a user does first.
set -eu
towpath version
towpath plugins list
cd "$(mktemp -d)"
printf 'id,name,at\n1,Ann,2026-03-01T10:00:00Z\n2,"Bob, the second",\n' >people.csv
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
# Each example is sound, with any values for the environment variables that it and what it includes name.
for job in /usr/share/doc/towpath/examples/*/*.cfg; do
    grep -q '^job' "$job" || continue
    included=$(sed -n "s|^@include \"\(.*\)\"|$(dirname "$job")/\1|p" "$job")
    # shellcheck disable=SC2086
    names=$(cat "$job" $included | sed 's/#.*//' | { grep -o 'env:[A-Z0-9_]*' || :; } | cut -d: -f2 | sort -u)
    values=
    for name in $names; do
        case $name in
        *_URL) values="$values $name=https://service.example.com" ;;
        *) values="$values $name=value" ;;
        esac
    done
    # shellcheck disable=SC2086
    env $values towpath check -q "$job"
done
test -s /usr/share/doc/towpath/job.schema.json
# Completion, as a login shell has it.
grep -q 'complete -F _towpath towpath' /usr/share/bash-completion/completions/towpath
# Plugins from the headers alone: the guide's, and one that is made here.
apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config >/dev/null 2>&1
cp /usr/share/doc/towpath-dev/guide/*.c .
for name in counter tally; do
    # shellcheck disable=SC2046
    gcc -shared -fPIC -Wl,-z,defs $(pkg-config --cflags towpath) $name.c $(pkg-config --libs towpath) -o $name.so
done
towpath plugins test ./counter.so
towpath plugins test ./tally.so --option path=count.txt
for kind in source sink; do
    towpath plugins new "my_$kind" "--$kind"
    make -s -C "my_$kind" check install
    towpath plugins show "my_$kind"
done
test -s /usr/share/doc/towpath-dev/plugin-guide.md* && test -s /usr/share/doc/towpath/hacking.md*
echo "all of it works"
