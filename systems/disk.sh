#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# disk.sh FILE [PARTITIONS]: makes a disk image, sparse and the same each time: an MBR and two (or
# one to four) partitions of 64 MiB, each with an empty FAT file system.
set -euo pipefail

readonly SECTOR_BYTES=512 FIRST=2048 SECTORS=131072 PARTITIONS=${2:-2}

# sfdisk and mkfs.fat stand where an ordinary user's PATH may not look.
PATH=$PATH:/usr/sbin:/sbin

[ $# -ge 1 ] || { echo "usage: disk.sh FILE [PARTITIONS]" >&2; exit 1; }

# The file ends with the partition.
size_for() { truncate -s $((($1 + SECTORS) * SECTOR_BYTES)) "$new"; }

start_of() { echo $((FIRST + $1 * SECTORS)); }

# Type e is FAT16 on a disk of today.
make_table() {
    local i
    {
        echo 'label: dos'
        echo 'label-id: 0xc1015732'
        for ((i = 0; i < PARTITIONS; i++)); do
            echo "start=$(start_of $i), size=$SECTORS, type=e"
        done
    } | sfdisk --quiet --no-reread "$new"
}

# Clusters of 4096 bytes and none across two blocks, so that a guest's disk moves them uncopied.
make_fat() {
    mkfs.fat --invariant -F 16 -s 8 -n "GUEST$1" -i "c101573$1" --offset "$2" -h "$2" "$new" >/dev/null
}

# Made aside and moved into place: what was interrupted is never taken for a disk.
new=$1.new
rm -f "$new"
size_for "$(start_of $((PARTITIONS - 1)))"
make_table
for ((number = 0; number < PARTITIONS; number++)); do
    size_for "$(start_of $number)" # mkfs.fat wonders about what follows
    make_fat $number "$(start_of $number)"
done
mv "$new" "$1"
