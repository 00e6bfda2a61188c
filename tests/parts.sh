#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# parts.sh MAKE VERB...: runs `MAKE VERB` for each verb and ends with how long each took. The first
# that fails ends the run.
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: parts.sh MAKE VERB..." >&2; exit 1; }
make=$1 times=()
shift

print_times() {
    echo
    printf '  %6s  part\n' seconds
    printf '  %6d  %s\n' "${times[@]}"
}

for verb in "$@"; do
    begin=$SECONDS status=0
    $make "$verb" || status=$?
    times+=($((SECONDS - begin)) "$verb")
    if [ "$status" -ne 0 ]; then
        print_times
        echo "make $verb failed; what was found stands above the table. 'make $verb' runs it again." >&2
        exit "$status"
    fi
done
print_times
