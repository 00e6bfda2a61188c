#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# devices.sh SYSTEM_DIR: prints QEMU's options for the board's devices that the system built there
# needs, one word a line. In the environment: DISK, the image of the disk, and DISK_SNAPSHOT, where
# what the guests write is to be forgotten.
set -euo pipefail

readonly DISK_SLOT=31 # BOARD_DISK_SLOT in compose/limits.h
readonly SECTOR_BYTES=512

die() { echo "$*" >&2; exit 1; }

# What cannot be a disk is told here, in words of ours.
check_disk() {
    [ -f "$DISK" ] || die "DISK=$DISK: there is no such file"
    local bytes
    bytes=$(stat -L -c %s "$DISK")
    ((bytes > 0 && bytes % SECTOR_BYTES == 0)) ||
        die "DISK=$DISK: its $bytes bytes are not a whole number of sectors of $SECTOR_BYTES bytes"
}

disk() {
    check_disk
    # A comma ends an option's value, two are one within it.
    printf '%s\n' -drive "if=none,id=disk,format=raw,file=${DISK//,/,,}${DISK_SNAPSHOT:+,snapshot=on}" \
        -device "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.$DISK_SLOT"
}

[ $# -eq 1 ] || die "usage: devices.sh SYSTEM_DIR"
[ -f "$1/system.devices" ] || exit 0
while read -r device; do
    case $device in
    disk) disk ;;
    *) die "$1/system.devices: QEMU is given no $device" ;;
    esac
done <"$1/system.devices"
