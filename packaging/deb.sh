#!/bin/sh
# deb.sh - Debian packages from this tree, without git: a release tarball is made, unpacked and built
# with dpkg-buildpackage, and what comes out is looked at by lintian.
#
#   packaging/deb.sh [BUILD] [OUTPUT]
#
# BUILD is a configured build folder (build), OUTPUT where the packages go (build/packages). Needs the
# packages debhelper, dpkg-dev, fakeroot and lintian.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
build=${1:-build}
mkdir -p "${2:-$build/packages}"
output=$(cd "${2:-$build/packages}" && pwd)
for tool in dh dpkg-buildpackage lintian; do
    command -v "$tool" >/dev/null || { echo "deb.sh: apt-get install debhelper dpkg-dev fakeroot lintian" >&2; exit 1; }
done
version=$(sed -n 's/^AC_INIT(\[towpath\], \[\(.*\)\])$/\1/p' configure.ac)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make -C "$build" -s dist distdir="towpath-$version" >/dev/null
mv "$build/towpath-$version.tar.gz" "$work/towpath_$version.orig.tar.gz"
tar -C "$work" -xzf "$work/towpath_$version.orig.tar.gz"
cp -r packaging/debian "$work/towpath-$version/debian"
cd "$work/towpath-$version"
# The same tree makes the same package: the date is that of the newest file.
date=$(find . -path ./debian -prune -o -type f -printf '%T@\n' | sort -n | tail -1 | cut -d. -f1)
sed "s/@VERSION@/$version/; s/@DATE@/$(date -u -R -d "@$date")/" debian/changelog.in >debian/changelog
rm debian/changelog.in
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-nocheck} parallel=$(nproc)" dpkg-buildpackage -us -uc -b >"$output/build.log" 2>&1 ||
    { tail -40 "$output/build.log" >&2; exit 1; }
lintian --fail-on error,warning --suppress-tags "$(tr '\n' ',' <"$top/packaging/lintian-suppressed")" "$work"/*.changes
mv "$work"/*.deb "$output/"
ls -l "$output"/*.deb
