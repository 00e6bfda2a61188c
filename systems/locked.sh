#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# locked.sh BUILD_DIR COMMAND...: runs COMMAND while no other one run so builds in BUILD_DIR; waits for
# that one, and says so. What COMMAND starts counts as part of it, and does not wait for it.
set -euo pipefail
build_dir=$1
shift
if [ "${CLOISTER_LOCKED:-}" != "$build_dir" ]; then
    mkdir -p "$build_dir"
    exec 9>>"$build_dir/.lock"
    if ! flock -n 9; then
        echo "Another make builds in $build_dir: waiting for it to end"
        flock 9
    fi
    export CLOISTER_LOCKED=$build_dir
fi
exec "$@"
