# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For the scripts of the build, which source it: a script that fails ends with a sentence that says
# what failed and what to do. `die SENTENCE` says it itself. For any other command that fails, the
# sentence is made from the command and REMEDY, which the script sets.
set -Eeuo pipefail

readonly DIED=70 # the exit status of die
script_name=${0##*/}
failed_command=
folders_to_remove=()

die() {
    echo "$script_name: $*" >&2
    exit $DIED
}

# Removes a folder when the script ends.
remove_at_exit() { folders_to_remove+=("$1"); }

at_exit() {
    local status=$?
    [ ${#folders_to_remove[@]} -eq 0 ] || rm -rf "${folders_to_remove[@]}"
    [ $status -eq 0 ] || [ $status -eq $DIED ] ||
        echo "$script_name: this failed: ${failed_command:-$script_name}; ${REMEDY:-run make again}" >&2
}
trap 'failed_command=${BASH_COMMAND%%$'"'\\n'"'*}' ERR
trap at_exit EXIT
