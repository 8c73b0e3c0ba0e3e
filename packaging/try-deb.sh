#!/bin/sh
# try-deb.sh - installs the packages in a clean chroot, and does there what a user does first (try.sh).
#
#   packaging/try-deb.sh [PACKAGES]
#
# PACKAGES is the folder that deb.sh left them in (build/packages). Needs the package mmdebstrap, and root
# or unprivileged user namespaces. The system's own sources of packages are used; APT_CONF names a file of apt's
# settings (a proxy) that the chroot needs, too.
set -eu
cd "$(dirname "$0")/.."
packages=${1:-build/packages}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
command -v mmdebstrap >/dev/null || { echo "try-deb.sh: apt-get install mmdebstrap" >&2; exit 1; }
sources=
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -s "$list" ] || sources="$sources $list"
done
# shellcheck disable=SC2086
exec mmdebstrap --variant=apt ${APT_CONF:+--aptopt="$APT_CONF"} \
    --customize-hook="copy-in $packages/$(basename "$packages"/towpath_*.deb) /tmp" \
    --customize-hook="copy-in $packages/$(basename "$packages"/towpath-dev_*.deb) /tmp" \
    --customize-hook='copy-in packaging/try.sh /tmp' \
    --customize-hook='chroot "$1" sh -c "apt-get update && apt-get install -y --no-install-recommends /tmp/*.deb"' \
    --customize-hook='chroot "$1" sh /tmp/try.sh' \
    "$suite" /dev/null $sources
