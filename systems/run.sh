#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SYSTEM SYSTEM_DIR QEMU...: runs the system that was built in SYSTEM_DIR with QEMU..., the
# command line without the board's devices. Shows the console's keys first, and resets the terminal
# however QEMU ends. The environment is that of devices.sh; a disk that another QEMU uses is refused.
set -euo pipefail

die() { echo "$*" >&2; exit 1; }

# holders DISK: "PID FLAGS" of each QEMU that has the file open; FLAGS are open(2)'s, in octal.
holders() {
    local path fd pid
    path=$(realpath -- "$1")
    # shellcheck disable=SC1003
    path=$(printf '%s' "$path" | sed 's/[][*?\\]/\\&/g')
    find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname "$path" 2>/dev/null | while read -r fd; do
        pid=${fd#/proc/} && pid=${pid%%/*}
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        qemu*) echo "$pid $(sed -n 's/^flags:[[:space:]]*//p' "/proc/$pid/fdinfo/${fd##*/}")" ;;
        esac
    done 2>/dev/null || true
}

# started PID: the local time when the process was started.
started() {
    local boot ticks
    boot=$(sed -n 's/^btime //p' /proc/stat)
    ticks=$(sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20) # field 22, behind "PID (NAME) "
    date -d "@$((boot + ticks / $(getconf CLK_TCK)))" '+%Y-%m-%d %H:%M:%S'
}

# holder_text PID: which run that is.
holder_text() {
    local folder
    folder=$(tr '\0' '\n' <"/proc/$1/cmdline" | sed -n 's/^loader,file=\(.*\)\/loader\.img,.*/\1/p' | head -n 1)
    echo "process $1${folder:+, system $(basename "$folder")}, since $(started "$1")"
}

# writes FLAGS
writes() { (((8#$1 & 3) != 0)); }

# A run that writes needs the disk for itself. One that forgets what it writes gets a copy if another
# run writes: the disk would change under it.
claim_disk() {
    local pid flags
    [ -f "$DISK" ] || return 0 # devices.sh says so, if the system needs one
    while read -r pid flags; do
        if [ -z "${DISK_SNAPSHOT:-}" ]; then
            refuse_disk "$pid"
        elif writes "$flags"; then
            echo "The disk $DISK is in use ($(holder_text "$pid")): this run gets a copy of it."
            copy=$(mktemp "${TMPDIR:-/tmp}/cloister-disk.XXXXXX")
            cp --sparse=always -- "$DISK" "$copy" || die "cannot copy $DISK to $copy; make room there, or set TMPDIR="
            DISK=$copy
            return 0
        fi
    done < <(holders "$DISK")
}

refuse_disk() {
    die "the disk $DISK is in use by another run: $(holder_text "$1").
End that run (poweroff in its guests, Ctrl-a x in its terminal, or kill $1); or start this one with
DISK_SNAPSHOT=1 (it gets a copy of the disk, which is forgotten at the end) or with another disk (DISK=other.img)."
}

show_keys() {
    echo
    echo "Starting $system in QEMU:"
    cat "$system_dir/console.txt"
    echo '  Ctrl-a x                leaves at once: disks are then as after a power failure'
    echo
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    [ -z "$copy" ] || rm -f -- "$copy"
    [ -z "$terminal" ] || stty "$terminal" 2>/dev/null || true
    if [ -t 1 ]; then
        printf '\033[0m\033[?25h' # no colour, and the cursor
    fi
}

# A signal ends QEMU, whose end is then waited for.
run_qemu() {
    local qemu status=0
    "$@" <&0 &
    qemu=$!
    trap 'kill "$qemu" 2>/dev/null || true' HUP INT TERM
    wait "$qemu" || status=$?
    while kill -0 "$qemu" 2>/dev/null; do
        wait "$qemu" || status=$?
    done
    return "$status"
}

[ $# -ge 3 ] || die "usage: run.sh SYSTEM SYSTEM_DIR QEMU..."
system=$1 system_dir=$2 copy='' terminal=''
shift 2
trap clean_up EXIT
needs_disk=$(grep -E '(^| )disk$' "$system_dir/system.devices" 2>/dev/null || true)
[ -z "$needs_disk" ] || claim_disk
options=$("$(dirname "$0")/devices.sh" "$system_dir")
mapfile -t devices < <(printf '%s' "$options")
show_keys
! [ -t 0 ] || terminal=$(stty -g)
image=$system_dir/loader.img
status=0
run_qemu "$@" -device "loader,file=${image//,/,,},addr=${LOADER_ADDR:?},force-raw=on,cpu-num=0" "${devices[@]}" || status=$?
if [ "$status" -ne 0 ] && [ -n "$needs_disk" ] && [ -z "${DISK_SNAPSHOT:-}" ]; then
    claim_disk # another run may have been a moment faster
fi
exit "$status"
