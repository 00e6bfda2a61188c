#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# module.sh TREE CACHE OUT: builds uio_pdrv_genirq.ko for the kernel whose modules lie in TREE, out of
# Debian's source of that kernel and against its headers. Downloads are kept in CACHE.
# shellcheck source=.ci/script.sh
. "$(dirname "$0")/../../.ci/script.sh"

readonly SOURCE=drivers/uio/uio_pdrv_genirq.c

[ $# -eq 3 ] || die "usage: module.sh TREE CACHE OUT"
REMEDY="look at the free space; if there is enough, remove $1, so that it is unpacked again"
tools=$(dirname "$0")/../..
version=$(ls "$1/lib/modules")   # 6.1.0-56-arm64, 6.12.118+deb13-arm64
series=$(cut -d. -f1,2 <<<"$version")
cache=$(realpath "$2")
out=$(realpath "$3")
# Linux's makefiles cannot work below a folder with a space in its name.
work=$(mktemp -d)
remove_at_exit "$work"
headers=$work/headers

"$tools/guest/fetch.sh" "$cache" "$headers" "linux-headers-$version" \
    "linux-headers-${version%-*}-common" "linux-source-$series"
# The headers' scripts run here, so they are those of the host's package; it and the compiler are what
# the headers depend on.
depends=$(dpkg-deb -f "$cache/linux-headers-$version"/*.deb Depends)
kbuild=$(grep -o 'linux-kbuild-[^ ,]*' <<<"$depends")
gcc=$(grep -o 'gcc-[0-9]*' <<<"$depends")
"$tools/.ci/need" "=$kbuild" "=$gcc-aarch64-linux-gnu"
ln -s "/usr/lib/$kbuild" "$headers/usr/lib/"
sed -i "s:^include /:include $headers/:" "$headers/usr/src/linux-headers-$version/Makefile"

tar -x -C "$work" -f "$headers/usr/src/linux-source-$series.tar.xz" --transform 's:.*/::' \
    --occurrence=1 "linux-source-$series/$SOURCE"
echo 'obj-m := uio_pdrv_genirq.o' >"$work/Makefile"
make -s -C "$headers/usr/src/linux-headers-$version" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
    KCFLAGS="-ffile-prefix-map=$work=." M="$work" modules >"$out.log" 2>&1 || {
    tail -n 5 "$out.log" >&2
    die "$SOURCE cannot be built for Linux $version; $out.log has the compiler's messages"
}
llvm-strip -g -o "$out" "$work/uio_pdrv_genirq.ko"
