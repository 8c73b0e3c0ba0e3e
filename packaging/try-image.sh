#!/bin/sh
# try-image.sh - the steps of the Dockerfile in chroots, where there is no Docker: builds the image's folders, and
# runs a job in the last one as the image's user would.
#
#   packaging/try-image.sh [PACKAGES]
#
# PACKAGES is the folder that deb.sh left packages in; they stand for what the first stage builds, which takes long.
# Needs the package mmdebstrap, and root. APT_CONF names a file of apt's settings (a proxy) that the chroots need, too.
# Knows the instructions that the Dockerfile uses, and refuses others.
set -eu
cd "$(dirname "$0")/.."
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=${1-}
images=$(mktemp -d)
trap 'rm -rf "$images"' EXIT
sources=
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -s "$list" ] || sources="$sources $list"
done

fail() {
    echo "try-image.sh: $*" >&2
    exit 1
}

# The instructions, one a line: continued lines joined, comments left out.
instructions() {
    sed -e '/^#/d' packaging/Dockerfile | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' | grep -v '^ *$'
}

# in_image COMMAND: with the image's user, environment and folder.
in_image() {
    mkdir -p "$root$folder"
    # shellcheck disable=SC2086
    chroot ${user:+--userspec="$user"} "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp DEBIAN_FRONTEND=noninteractive \
        $variables sh -c "cd '$folder' && $1" </dev/null
}

from() { # IMAGE [AS NAME]
    [ "$1" = "debian:$suite-slim" ] || fail "this is $suite, the Dockerfile is made from $1"
    root=$images/${3:-last} user='' folder=/ variables='' built=
    if [ -n "$packages" ] && [ "${3-}" = build ]; then
        mkdir -p "$root/packages"
        cp "$packages"/*.deb "$root/packages/"
        built=yes
        return
    fi
    # shellcheck disable=SC2086
    mmdebstrap --quiet --variant=apt ${APT_CONF:+--aptopt="$APT_CONF"} "$suite" "$root" $sources
}

copy() { # [--from=NAME] SOURCE TARGET
    case $1 in
    --from=*)
        mkdir -p "$root$3"
        # shellcheck disable=SC2086
        cp "$images/${1#--from=}"$2 "$root$3"
        ;;
    .)
        mkdir -p "$root$2"
        tar -c --exclude-vcs --exclude=./build --exclude='./build-*' . | tar -x -C "$root$2"
        ;;
    *) fail "COPY $*" ;;
    esac
}

built=
instructions >"$images/steps"
while read -r word rest; do
    echo "== $word $rest"
    # shellcheck disable=SC2086 # words are meant
    case $word$built in
    COPYyes | WORKDIRyes | RUNyes) echo "(not needed)" ;;
    FROM*) from $rest ;;
    COPY) copy $rest ;;
    WORKDIR) folder=$rest ;;
    USER) user=$rest ;;
    ENV) variables="$variables $rest" ;;
    RUN) in_image "$rest" ;;
    ENTRYPOINT) entry=$(echo "$rest" | tr -d '[]",') ;;
    CMD) command=$(echo "$rest" | tr -d '[]",') ;;
    *) fail "$word is not known here" ;;
    esac
done <"$images/steps"
in_image "$entry $command" >"$images/help"
grep -q '^Usage: towpath' "$images/help"
chmod 777 "$root$folder"
cp conf/demo/audience.cfg conf/demo/audience.csv "$root$folder/"
in_image "$entry check audience.cfg && $entry run audience.cfg"
test -s "$root$folder/out/audience.ndjson" && test -s "$root/var/lib/towpath/state.db"
du -sh "$root"
echo "all of it works"
