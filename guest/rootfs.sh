#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# rootfs.sh TREE OUT MODULES OVERLAY...: makes the guests' root file system, a compressed cpio
# archive, from the unpacked packages in TREE (busybox and the modules that the list MODULES names)
# and the files of each OVERLAY folder. The same inputs give the same archive, byte for byte.
# shellcheck source=.ci/script.sh
. "$(dirname "$0")/../.ci/script.sh"

# depmod and modprobe stand where an ordinary user's PATH may not look.
PATH=$PATH:/usr/sbin:/sbin

kernel_version() {
    local versions=("$1"/lib/modules/*)
    [ ${#versions[@]} -eq 1 ] || die "$1 holds the modules of more than one kernel; remove $1"
    [ -d "${versions[0]}" ] || die "$1/lib/modules holds no kernel's modules; remove $1, so that it is unpacked again"
    basename "${versions[0]}"
}

# One folder for programs: busybox links its applets there when the guest starts.
lay_out() {
    local root=$1
    mkdir -p "$root"/{bin,dev,etc,lib,mnt,proc,root,run,sys,tmp,usr,var/log}
    ln -s bin "$root/sbin"
    ln -s ../bin "$root/usr/bin"
    ln -s ../bin "$root/usr/sbin"
    ln -s ../run "$root/var/run"
}

# Prints the path of each file that a module needs, from the modules' folder on.
module_files() {
    local tree=$1 version=$2 list=$3 module steps verb file
    while read -r module; do
        steps=$(modprobe -d "$tree" -S "$version" --show-depends "$module") ||
            die "kernel $version has no module $module; take it out of $list, or add the package that has it"
        # "insmod /path/lib/modules/VERSION/kernel/x.ko" or "builtin x"
        while read -r verb file _; do
            [ "$verb" != insmod ] || echo "${file##*"/lib/modules/$version/"}"
        done <<<"$steps"
    done < <(sed -E 's/#.*//; /^[ \t]*$/d' "$list") | sort -u
}

# busybox's modprobe reads the plain indexes only, and loads plain files the fastest.
install_modules() {
    local tree=$1 root=$2 list=$3 version from to
    version=$(kernel_version "$tree")
    from=$tree/lib/modules/$version
    to=$root/lib/modules/$version
    mkdir -p "$to"
    depmod -b "$tree" "$version"
    module_files "$tree" "$version" "$list" >"$to/files"
    tar -C "$from" -c -T "$to/files" | tar -C "$to" -x
    find "$to" -name '*.ko.xz' -exec xz -d {} +
    sed 's/\.xz$//' "$to/files" | grep -Fxf - "$from/modules.order" >"$to/modules.order"
    cp "$from/modules.builtin" "$from/modules.builtin.modinfo" "$to"
    depmod -b "$root" "$version"
    find "$to" -maxdepth 1 -type f ! -name modules.dep ! -name modules.alias \
        ! -name modules.builtin -delete
}

# Nothing of the host shows: owners, times, the order of folders, the umask of the checkout.
pack() {
    local root=$1 out=$2
    chmod -R u=rwX,go=rX "$root"
    chmod 0700 "$root/root"
    chmod 0600 "$root/etc/shadow"
    chmod 1777 "$root/tmp"
    find "$root" -exec touch -h -d @0 {} +
    (cd "$root" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
        cpio --quiet --null --reproducible -H newc -R 0:0 -o) | gzip -n -9 >"$out"
}

main() {
    [ $# -ge 4 ] || die "usage: rootfs.sh TREE OUT MODULES OVERLAY..."
    local tree=$1 out=$2 list=$3 overlay work
    shift 3
    work=$(mktemp -d "$out.XXXXXX")
    remove_at_exit "$work"
    REMEDY="look at the free space; if there is enough, remove $tree, so that it is unpacked again"
    [ -r "$list" ] || die "$list, the list of the guests' kernel modules, is missing; check it out again"
    lay_out "$work/root"
    cp "$tree/bin/busybox" "$work/root/bin"
    install_modules "$tree" "$work/root" "$list"
    for overlay in "$@"; do cp -a "$overlay/." "$work/root"; done
    pack "$work/root" "$work/archive"
    mv "$work/archive" "$out"
}

main "$@"
