#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# same_images.sh [COMMIT]: builds all systems of systems/ at COMMIT (HEAD) and at its parent and
# compares each loader.img byte by byte. A commit that only moves, renames, formats or comments must
# pass. The exit status is 1 where an image differs.
#
# The two clones stay in FOLDER (build/same-images), so that the next comparison compiles only what
# differs from this one. GUEST_CACHE= is the folder of the guests' packages.
cd "$(dirname "$0")/../.."
# shellcheck source=.ci/script.sh
. .ci/script.sh

readonly FOLDER=${FOLDER:-$PWD/build/same-images}
export GUEST_CACHE=${GUEST_CACHE:-$PWD/build/guest/cache}

# Builds every system of revision $2 in the clone $1.
build_at() {
    local clone=$FOLDER/$1 revision=$2 system
    [ -d "$clone" ] || git clone -q --shared --no-checkout . "$clone"
    git -C "$clone" checkout -q --detach "$revision" || die "cannot check out $revision in $clone"
    # Another list of sources makes no object anew: link everything again.
    [ ! -d "$clone/build" ] || find "$clone/build" \( -name '*.elf' -o -name .built -o -name loader.img -o -path '*/host/microkit' \
        -o -path '*/host/composer' \) -delete
    for system in "$clone"/systems/*/system.yaml; do
        system=$(basename "$(dirname "$system")")
        echo "same_images: building $system at $1 $(git log -1 --format='%h %s' "$revision")"
        make -C "$clone" -j2 image SYSTEM="$system" >"$clone.log" 2>&1 || {
            tail -n 20 "$clone.log" >&2
            die "$system does not build at $revision; see $clone.log"
        }
    done
}

# Prints "SYSTEM SHA-256" of each image of the clone $1.
sums_of() {
    (cd "$FOLDER/$1" && sha256sum build/*/*/systems/*/loader.img) |
        awk '{ split($2, path, "/"); print path[5], $1 }'
}

commit=$(git rev-parse --verify -q "${1:-HEAD}^{commit}") || die "there is no commit '${1:-HEAD}'"
parent=$(git rev-parse --verify -q "$commit^") || die "commit $commit has no parent to compare with"
mkdir -p "$FOLDER" "$GUEST_CACHE"
build_at parent "$parent"
build_at commit "$commit"
join -a 1 -a 2 -e missing -o 0,1.2,2.2 <(sums_of parent) <(sums_of commit) |
    awk -v commit="$(git log -1 --format='%h %s' "$commit")" '
        { print ($2 == $3 ? "  same     " : "  differs  ") $1 }
        $2 != $3 { differ++ }
        END { print commit ": " (differ ? differ " of " NR " images differ" : "all " NR " images are the same")
              exit differ > 0 }' || exit $DIED
