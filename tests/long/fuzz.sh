#!/bin/bash
# Searches with every fuzz target, with clang's libFuzzer, AddressSanitizer and UBSan.
#
#   tests/long/fuzz.sh [TARGET ...]      by default every tests/fuzz/fuzz_*.c
#   tests/long/fuzz.sh --keep [TARGET ...]  moves what the searches found into tests/fuzz/corpus:
#                                        the smallest inputs that reach code which no other does
#
# TOWPATH_FUZZ_SECONDS   CPU seconds of each target (600)
# TOWPATH_FUZZ_JOBS      targets at a time (1)
# TOWPATH_FUZZ_BUILD     where it builds and keeps what it finds (build-fuzz, in the source tree)
# TOWPATH_LONG_RESULTS   a file that gets one line of JSON for each target
#
# Ends with 1 where an input broke a promise: it lies in TOWPATH_FUZZ_BUILD/found/TARGET/crash-*.
set -u

source=$(cd "$(dirname "$0")/../.." && pwd)
build=${TOWPATH_FUZZ_BUILD:-$source/build-fuzz}
seconds=${TOWPATH_FUZZ_SECONDS:-600}
jobs=${TOWPATH_FUZZ_JOBS:-1}
crashes_max=5  # of one target: the next ones are likely the same
keep_bytes=98304 # of one target, beyond what lies in its corpus already
limits=(-timeout=20 -rss_limit_mb=1500 -malloc_limit_mb=1000)

build_targets() {
    mkdir -p "$build" && cd "$build" || return 1
    command -v clang >/dev/null || { echo "fuzz.sh: clang, which brings libFuzzer, is not installed" >&2; return 1; }
    if [ ! -e config.status ]; then
        [ -e "$source/configure" ] || (cd "$source" && autoreconf -fi) || return 1
        "$source/configure" -q CC=clang --enable-fuzzers --enable-asan --enable-ubsan \
            CFLAGS='-O1 -g' PYTHON3=no || return 1
    fi
    make -s "${targets[@]/#/tests/fuzz/}"
}

# The sum of a statistic over a target's logs.
statistic() {
    cat "$found"/log.* 2>/dev/null | awk -v name="stat::$1:" '$1 == name {sum += $2} END {print sum + 0}'
}

# The last figure behind `cov:` or `ft:`.
reached() {
    cat "$found"/log.* 2>/dev/null |
        awk -v name="$1:" '{for (i = 1; i < NF; i++) if ($i == name) last = $(i + 1)} END {print last + 0}'
}

# libFuzzer counts time by the clock, and other work may share the machine: slices, until the
# processor has been had for long enough.
search() {
    local target=$1 spent=0 crashes=0 slice=0 took left began=$SECONDS
    found=$build/found/$target
    mkdir -p "$found/inputs" && rm -f "$found"/log.*
    [ -x "$build/tests/fuzz/$target" ] || { echo "$target is not built" >&2; return 1; }
    while left=$((seconds - ${spent%.*})) && [ "$left" -gt 2 ] && [ "$crashes" -lt $crashes_max ]; do
        slice=$((slice + 1))
        TIMEFORMAT='%U %S'
        took=$({ time "$build/tests/fuzz/$target" "${limits[@]}" -max_total_time="$left" \
            -print_final_stats=1 -artifact_prefix="$found/" "$found/inputs" \
            "$source/tests/fuzz/corpus/$target" >"$found/log.$slice" 2>&1; } 2>&1)
        spent=$(echo "$spent $took" | awk '{printf "%.1f", $1 + $2 + $3}')
        grep -q 'Test unit written' "$found/log.$slice" && crashes=$((crashes + 1))
        grep -q '^stat::' "$found/log.$slice" || break
    done
    printf '{"campaign": "fuzz", "target": "%s", "cpu_seconds": %s, "seconds": %d, "executions": %d, "edges": %d, "features": %d, "inputs": %d, "crashes": %d}\n' \
        "${target#fuzz_}" "$spent" $((SECONDS - began)) "$(statistic number_of_executed_units)" \
        "$(reached cov)" "$(reached ft)" "$(find "$found/inputs" -type f | wc -l)" "$crashes" |
        tee -a "${TOWPATH_LONG_RESULTS:-/dev/null}"
    [ "$crashes" -eq 0 ]
}

# By edges alone: how often each is passed would keep ten times as many.
keep() {
    local target=$1 corpus=$source/tests/fuzz/corpus/$1 merged sum=0 size name
    found=$build/found/$target
    [ -d "$found/inputs" ] || return 0
    merged=$(mktemp -d) || return 1
    cp "$corpus"/* "$merged"
    "$build/tests/fuzz/$target" "${limits[@]}" -set_cover_merge=1 -use_counters=0 "$merged" "$found/inputs" \
        >"$found/merge" 2>&1 || echo "$target: see $found/merge" >&2
    while read -r size name; do
        sum=$((sum + size))
        [ "$sum" -gt "$keep_bytes" ] || cp "$merged/$name" "$corpus/found_${name:0:8}"
    done < <(find "$merged" -regextype posix-extended -regex '.*/[0-9a-f]{40}' -printf '%s %f\n' | sort -n)
    rm -rf "$merged"
}

main() {
    local mode=search target
    case ${1-} in
    --keep) mode=keep && shift ;;
    --one) # built already
        shift
        search "$1"
        return
        ;;
    esac
    targets=("$@")
    if [ ${#targets[@]} -eq 0 ]; then
        mapfile -t targets < <(cd "$source/tests/fuzz" && ls fuzz_*.c)
        targets=("${targets[@]%.c}")
    fi
    build_targets || return 1
    if [ $mode = keep ]; then
        for target in "${targets[@]}"; do
            keep "$target"
        done
        return
    fi
    printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -n 1 "$source/tests/long/fuzz.sh" --one
}

# A shell reads its script as it goes: not beyond this line, whatever becomes of the file meanwhile.
if main "$@"; then exit 0; else exit 1; fi
