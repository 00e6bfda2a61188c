#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh FOLDER 'KNOWN PARTS' PART...: runs `make soak-PART` for each part, an hour at most, and leaves
# the output with the result as its last line in FOLDER/PART.txt. A part that fails does not stop the
# others. MAKE= is the make to use.
set -euo pipefail

readonly LIMIT_S=3600

die() {
    echo "$*" >&2
    exit 1
}

check_parts() {
    local known=$1 part
    shift
    for part in "$@"; do
        [[ " $known " == *" $part "* ]] || die "SOAK=$part: there is no such part; there are ${known// /, }"
    done
}

# How a part with exit status $1 ended.
verdict() {
    case $1 in
    0) echo passed ;;
    124 | 137) echo "FAILED: stopped after $LIMIT_S s" ;;
    *) echo "FAILED: exit status $1" ;;
    esac
}

run_part() {
    local part=$1 out=$2 status=0 begin=$SECONDS
    {
        echo "soak: $part, $(git describe --always --dirty), $(date -u '+%F %H:%M') UTC"
        timeout --foreground -k 30 "$LIMIT_S" "$MAKE" "soak-$part" 2>&1 || status=$?
        echo "soak: $part: $(verdict "$status") in $((SECONDS - begin)) s"
        exit "$status"
    } | tee "$out"
}

[ $# -ge 3 ] || die "usage: run.sh FOLDER 'KNOWN PARTS' PART..."
folder=$1 failed=0
check_parts "${@:2}"
mkdir -p "$folder"
for part in "${@:3}"; do
    run_part "$part" "$folder/$part.txt" || failed=1
done
for part in "${@:3}"; do tail -n 1 "$folder/$part.txt"; done
exit $failed
