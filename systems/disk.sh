#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# disk.sh FILE [PARTITIONS [fat|ext4]]: makes a disk image, sparse and the same each time: two (or so
# many) partitions of 64 MiB, each with an empty file system. Up to four stand in an MBR, more in a GPT.
# disk.sh --add FILE PARTITIONS [fat|ext4]: adds the partitions that a disk of this script's lacks; those
# that it has stay as they are.
# disk.sh --check FILE PARTITIONS: says what to do about a disk that has fewer. Needs no other program.
# shellcheck source=.ci/script.sh
. "$(dirname "$0")/../.ci/script.sh"
REMEDY="look at the free space, and whether sfdisk, mkfs.fat and mkfs.ext4 are there"

readonly SECTOR_BYTES=512 FIRST=2048 SECTORS=131072 MBR_MOST=4 GPT_MOST=128
readonly TYPE_GPT=238

# sfdisk and mkfs.fat stand where an ordinary user's PATH may not look.
PATH=$PATH:/usr/sbin:/sbin

mode='make'
case "${1:-}" in --add | --check) mode=${1#--}; shift ;; esac
[ $# -ge 1 ] || die "usage: disk.sh [--add|--check] FILE [PARTITIONS [fat|ext4]]"
readonly FILE=$1 PARTITIONS=${2:-2} TYPE=${3:-fat}
[[ $TYPE =~ ^(fat|ext4)$ ]] || die "DISK_TYPE=$TYPE: there is no such type; choose fat or ext4"
[[ $PARTITIONS =~ ^[1-9][0-9]{0,2}$ && $PARTITIONS -le $GPT_MOST ]] ||
    die "a disk has $GPT_MOST partitions at most, not $PARTITIONS; give the guests lower numbers"

# ---- What a disk has ----------------------------------------------------------------------------

# number OFFSET BYTES: little endian, as this machine is.
number() { od -An -v -tu"$2" -j "$1" -N "$2" "$FILE" | tr -d ' '; }

has_mbr() { [ "$(number 510 2)" = 43605 ]; }

has_gpt() {
    local i
    for i in 0 1 2 3; do
        [ "$(number $((450 + 16 * i)) 1)" != $TYPE_GPT ] || return 0
    done
    return 1
}

# The last place of the table that holds a partition, counted from 1; 0: there is none.
count_mbr() {
    local i last=0
    for i in 0 1 2 3; do
        [ "$(number $((450 + 16 * i)) 1)" = 0 ] || last=$((i + 1))
    done
    echo $last
}
count_gpt() {
    local entries count bytes
    entries=$(number 584 8) count=$(number 592 4) bytes=$(number 596 4)
    ((count >= 1 && count <= GPT_MOST && bytes >= 128 && bytes <= 4096)) || { echo 0; return; }
    od -An -v -tx1 -w"$bytes" -j $((entries * SECTOR_BYTES)) -N $((count * bytes)) "$FILE" |
        awk '{ used = 0; for (i = 1; i <= 16; i++) used += $i != "00"; if (used) last = NR } END { print last + 0 }'
}
count_partitions() {
    if ! has_mbr; then
        echo 0
    elif has_gpt; then
        count_gpt
    else
        count_mbr
    fi
}

# ---- Making it ----------------------------------------------------------------------------------

# The file ends with the partition.
size_for() { truncate -s $((($1 + SECTORS) * SECTOR_BYTES)) "$new"; }

# Where partition $1, from 0, of a disk of ours begins.
start_of() { echo $((FIRST + $1 * SECTORS)); }

# Types of FAT16 on a disk of today, and of Linux; in a GPT the one of FAT is Microsoft's.
type_for() {
    case $1-$TYPE in
    dos-fat) echo e ;;
    dos-*) echo 83 ;;
    gpt-fat) echo EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 ;;
    *) echo 0FC63DAF-8483-4772-8E79-3D69D8477DE4 ;;
    esac
}

# The lines that sfdisk reads for partitions $2 to the last, in a table of kind $1.
table_lines() {
    local i uuid
    for ((i = $2; i < PARTITIONS; i++)); do
        uuid=$([ "$1" = dos ] || printf ', uuid=c1015734-0000-4000-8000-%012x' $i)
        echo "start=$(start_of $i), size=$SECTORS, type=$(type_for "$1")$uuid"
    done
}

# Clusters of 4096 bytes and none across two blocks, so that a guest's disk moves them uncopied.
make_fat() {
    mkfs.fat --invariant -F 16 -s 8 -n "GUEST$1" -i "$(printf '%x' $((0xc1015730 + $1)))" --offset "$2" \
        -h "$2" "$new" >/dev/null
}

# With nothing in it of the time or of chance.
make_ext4() {
    local uuid
    uuid=c1015733-0000-4000-8000-$(printf '%012x' "$1")
    E2FSPROGS_FAKE_TIME=1 mkfs.ext4 -q -b 4096 -L "GUEST$1" -U "$uuid" \
        -E "nodiscard,offset=$(($2 * SECTOR_BYTES)),hash_seed=$uuid,root_owner=0:0" "$new" $((SECTORS * SECTOR_BYTES / 1024))k 2>/dev/null
}

# From partition $1 on.
make_file_systems() {
    local i
    for ((i = $1; i < PARTITIONS; i++)); do
        size_for "$(start_of $i)" # mkfs.fat wonders about what follows
        "make_$TYPE" $i "$(start_of $i)"
    done
}

# Writes a table, of the lines that come in. What sfdisk has to say counts only where it fails.
partition() {
    local said
    said=$(sfdisk --quiet --no-reread --wipe never --wipe-partitions never "$@" "$new" 2>&1) ||
        die "disk.sh: cannot partition $new: $said"
}

# Made aside and moved into place: what was interrupted is never taken for a disk.
make_disk() {
    local kind=dos id=0xc1015732
    if ((PARTITIONS > MBR_MOST)); then
        kind=gpt id=c1015732-0000-4000-8000-000000000000
    fi
    new=$FILE.new
    rm -f "$new"
    make_file_systems 0
    [ $kind = dos ] || size_for "$(($(start_of $((PARTITIONS - 1))) + FIRST))" # for the GPT's copy
    { echo "label: $kind"; echo "label-id: $id"; table_lines $kind 0; } |
        partition
    mv "$new" "$FILE"
}

# The table comes last, so that what was interrupted is no partition yet.
add_partitions() {
    local have bytes
    have=$(count_partitions)
    ((have < PARTITIONS)) || return 0
    bytes=$(stat -c %s "$FILE")
    if has_gpt || ((have == 0 || PARTITIONS > MBR_MOST || bytes > $(start_of "$have") * SECTOR_BYTES)); then
        die "$FILE has $have partitions, the system's guests want $PARTITIONS, and it cannot be extended;" \
            "\`make disk-clean\` removes it with what the guests have written, and the next run makes a new" \
            "one, or name another by DISK="
    fi
    echo "Adding to the disk, whose other partitions stay as they are, $((PARTITIONS - have)) of $TYPE: $FILE"
    new=$FILE
    make_file_systems "$have"
    table_lines dos "$have" | partition --append
}

check_partitions() {
    local have
    [ -f "$FILE" ] || return 0 # devices.sh tells that
    have=$(count_partitions)
    ((have >= PARTITIONS)) ||
        die "DISK=$FILE has $have partitions, the system's guests want $PARTITIONS; partition it anew, name" \
            "another disk, or leave DISK= out for one of ours"
}

case $mode in
make) make_disk ;;
add) add_partitions ;;
check) check_partitions ;;
esac
