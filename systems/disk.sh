#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# disk.sh FILE [PARTITIONS [fat|ext4]]: makes a disk image, sparse and the same each time: an MBR and
# two (or one to four) partitions of 64 MiB, each with an empty file system.
set -euo pipefail

readonly SECTOR_BYTES=512 FIRST=2048 SECTORS=131072 PARTITIONS=${2:-2} TYPE=${3:-fat}

# sfdisk and mkfs.fat stand where an ordinary user's PATH may not look.
PATH=$PATH:/usr/sbin:/sbin

[ $# -ge 1 ] || { echo "usage: disk.sh FILE [PARTITIONS]" >&2; exit 1; }

# The file ends with the partition.
size_for() { truncate -s $((($1 + SECTORS) * SECTOR_BYTES)) "$new"; }

start_of() { echo $((FIRST + $1 * SECTORS)); }

# Type e is FAT16 on a disk of today, 83 is Linux.
make_table() {
    local i type=e
    [ "$TYPE" = fat ] || type=83
    {
        echo 'label: dos'
        echo 'label-id: 0xc1015732'
        for ((i = 0; i < PARTITIONS; i++)); do
            echo "start=$(start_of $i), size=$SECTORS, type=$type"
        done
    } | sfdisk --quiet --no-reread "$new"
}

# Clusters of 4096 bytes and none across two blocks, so that a guest's disk moves them uncopied.
make_fat() {
    mkfs.fat --invariant -F 16 -s 8 -n "GUEST$1" -i "c101573$1" --offset "$2" -h "$2" "$new" >/dev/null
}

# With nothing in it of the time or of chance.
make_ext4() {
    local uuid="c1015733-0000-4000-8000-00000000000$1"
    E2FSPROGS_FAKE_TIME=1 mkfs.ext4 -q -b 4096 -L "GUEST$1" -U "$uuid" \
        -E "nodiscard,offset=$(($2 * SECTOR_BYTES)),hash_seed=$uuid,root_owner=0:0" "$new" $((SECTORS * SECTOR_BYTES / 1024))k 2>/dev/null
}

# Made aside and moved into place: what was interrupted is never taken for a disk.
new=$1.new
rm -f "$new"
size_for "$(start_of $((PARTITIONS - 1)))"
make_table
for ((number = 0; number < PARTITIONS; number++)); do
    size_for "$(start_of $number)" # mkfs.fat wonders about what follows
    "make_$TYPE" $number "$(start_of $number)"
done
mv "$new" "$1"
