#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# devices.sh SYSTEM_DIR: prints QEMU's options for the board's devices that the system built there
# needs, one word a line. In the environment: DISK, the image of the disk, DISK_SNAPSHOT, where what
# the guests write is to be forgotten, and NET, what the card is joined to, as QEMU's -netdev has it;
# PASSED_NET is the same for the cards that guests have to themselves.
set -euo pipefail

readonly DISK_SLOT=31 # BOARD_DISK_SLOT in compose/limits.h
readonly NET_SLOT=23  # BOARD_NET_SLOT
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

# disk SLOT
disk() {
    check_disk
    # A comma ends an option's value, two are one within it.
    printf '%s\n' -drive "if=none,id=disk$1,format=raw,file=${DISK//,/,,}${DISK_SNAPSHOT:+,snapshot=on}" \
        -device "virtio-blk-device,drive=disk$1,bus=virtio-mmio-bus.$1"
}

# net SLOT NETWORK: without one the card is on QEMU's user network.
net() {
    printf '%s\n' -netdev "${2:-user},id=net$1" \
        -device "virtio-net-device,netdev=net$1,bus=virtio-mmio-bus.$1"
}

[ $# -eq 1 ] || die "usage: devices.sh SYSTEM_DIR"
[ -f "$1/system.devices" ] || exit 0
while read -r device slot passed; do
    case "$device $passed" in
    'disk ') disk $DISK_SLOT ;;
    'net ') net $NET_SLOT "${NET:-}" ;;
    'slot disk') disk "$slot" ;;
    'slot net') net "$slot" "${PASSED_NET:-}" ;;
    *) die "$1/system.devices: QEMU is given no $device $passed" ;;
    esac
done <"$1/system.devices"
