#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh CACHE TREE PACKAGE...: downloads Debian arm64 packages into CACHE, unless they are there
# already, and unpacks them into TREE, which it makes anew. A|B is the first of these that Debian has.
# src:NAME is a source package; what its authors wrote is unpacked into TREE/NAME, without Debian's
# changes; of src:NAME:FOLDER, that folder alone.
#
# The host's apt does the work with a private configuration: own state, own lists, the mirrors and
# suites of the host's source list, the signatures of Debian's own keyring. The host's package
# database is neither read nor written.
#
# CACHE holds one folder for each package asked for: its files and their checksums. A package whose
# name is only the way to the current one (linux-image-arm64) stands for what it depends on.
# shellcheck source=.ci/script.sh
. "$(dirname "$0")/../.ci/script.sh"

readonly ARCHITECTURE=arm64
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly SOURCE_PARTS=${APT_SOURCE_PARTS:-/etc/apt/sources.list.d}
readonly SOURCE_LIST=${APT_SOURCE_LIST:-/etc/apt/sources.list}

say() { echo "guest: $*" >&2; }

# Prints "URI SUITE OPTIONS" for each enabled binary source that offers the component main.
one_line_sources() {
    sed -E 's/#.*//' "$@" | awk '
        $1 != "deb" { next }
        {
            options = ""
            if (match($0, /\[[^]]*\]/)) {
                options = substr($0, RSTART, RLENGTH)
                $0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
            }
            keep = options ~ /check-valid-until=no/ ? "check-valid-until=no" : ""
            for (i = 4; i <= NF; i++)
                if ($i == "main") print $2, $3, keep
        }'
}

# The same for the files of paragraphs (deb822), each file ended by an empty line.
deb822_sources() {
    local file
    for file in "$@"; do sed '/^#/d' "$file"; echo; done | awk '
        function word(list, wanted) { return index(" " list " ", " " wanted " ") > 0 }
        function emit(   u, s, uris, suites, i, j, keep) {
            keep = tolower(field["check-valid-until"]) == "no" ? "check-valid-until=no" : ""
            u = split(field["uris"], uris, " ")
            s = split(field["suites"], suites, " ")
            if (word(field["types"], "deb") && word(field["components"], "main") &&
                tolower(field["enabled"]) != "no")
                for (i = 1; i <= u; i++)
                    for (j = 1; j <= s; j++) print uris[i], suites[j], keep
            split("", field)
        }
        /^[ \t]*$/ { emit(); next }
        /^[ \t]/   { field[name] = field[name] " " $0; gsub(/[ \t]+/, " ", field[name]); next }
        {
            name = tolower(substr($0, 1, index($0, ":") - 1))
            value = substr($0, index($0, ":") + 1)
            gsub(/[ \t]+/, " ", value)
            gsub(/^ | $/, "", value)
            field[name] = value
        }'
}

host_sources() {
    shopt -s nullglob
    local lists=("$SOURCE_PARTS"/*.list) paragraphs=("$SOURCE_PARTS"/*.sources)
    shopt -u nullglob
    [ ! -f "$SOURCE_LIST" ] || lists+=("$SOURCE_LIST")
    [ ${#lists[@]} -eq 0 ] || one_line_sources "${lists[@]}"
    [ ${#paragraphs[@]} -eq 0 ] || deb822_sources "${paragraphs[@]}"
}

# Sources of others than Debian share the list: their suites bear other names, and those that do not
# fail on the keyring.
debian_sources() {
    local codename
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    host_sources | awk -v codename="$codename" -v options="arch=$ARCHITECTURE signed-by=$KEYRING" '
        $2 ~ "^(" codename "|(old)*stable)(-updates|-security)?(/updates)?$" {
            print "[" options ($3 ? " " $3 : "") "] " $1, $2, "main"
        }' | sort -u
}

# Writes apt's configuration for this run. The host's way to the network (proxies) is kept, its hooks
# and its further indexes are not. The types are those of a source list: deb, deb-src.
configure_apt() {
    local work=$1 type
    shift
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,empty}
    : >"$work/status"
    for type in "$@"; do debian_sources | sed "s/^/$type /"; done >"$work/sources.list"
    [ -s "$work/sources.list" ] || die "this machine's apt sources name no suite of its" \
        "Debian release with 'main'; add one to $SOURCE_LIST"
    {
        apt-config dump | grep '^Acquire::' | grep -vE '^Acquire::(IndexTargets|Languages)' || true
        cat <<CONFIG
Acquire::Languages "none";
Acquire::Retries "2";
APT::Architecture "$ARCHITECTURE";
APT::Architectures { "$ARCHITECTURE"; };
APT::Sandbox::User "";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::State::lists "$work/state/lists";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/empty";
Dir::Etc::parts "$work/empty";
Dir::Etc::main "$work/empty/none";
Dir::Etc::preferences "$work/empty/none";
Dir::Etc::preferencesparts "$work/empty";
CONFIG
    } >"$work/apt.conf"
    export APT_CONFIG=$work/apt.conf
}

# Fails only where not one index came: a source that is not Debian's may well be missing.
update_index() {
    local log=$1
    say "reading Debian's package index for $ARCHITECTURE"
    apt-get -q update >"$log" 2>&1 || true
    [ -n "$(apt-cache pkgnames busybox-static 2>/dev/null)" ] || {
        grep -E '^(E:|W:)' "$log" | sort -u | head -n 5 >&2 || true
        die "no package index came; check the network and the Debian mirror of this machine's apt" \
            "sources, then run make again. With GUEST_CACHE= the packages of an earlier build do"
    }
}

# The first of `A|B` that the index has: Debian 13 calls some libraries otherwise.
offered_name() {
    local name names
    IFS='|' read -ra names <<<"$1"
    for name in "${names[@]}"; do
        [ -z "$(apt-cache show "$name" 2>/dev/null)" ] || { echo "$name"; return; }
    done
    die "Debian's index for $ARCHITECTURE has no package ${1//|/ or }"
}

# A name without a version of its own, like linux-image-arm64, leads to the current kernel's package.
current_name() {
    case $1 in
    linux-*-[0-9]*-"$ARCHITECTURE") echo "$1" ;;
    linux-*-"$ARCHITECTURE")
        apt-cache depends --no-recommends --no-suggests "$1" | awk '
            $1 == "Depends:" && $2 ~ /^linux-.*[0-9]/ { print $2; found = 1; exit }
            END { exit !found }' || die "Debian's package $1 leads to no kernel package; run 'apt-get update'," \
            "and look whether the release still has it" ;;
    *"|"*) offered_name "$1" ;;
    *) echo "$1" ;;
    esac
}

is_cached() { (cd "$1" 2>/dev/null && sha256sum --status -c SHA256 2>/dev/null); }

# The newest version that there is: an index may name one that its mirror has no more.
get_source() {
    local version
    for version in $(apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -Vru); do
        apt-get -qq source --download-only "$1=$version" && return
        rm -f ./*
    done
    return 1
}

# What apt calls the way to a package's files.
get() {
    case $1 in
    src:*) get_source "$(cut -d : -f 2 <<<"$1")" ;;
    *) apt-get -qq download "$1" ;;
    esac
}

# Downloads aside and moves into place, so that a broken download is never taken for a package.
download() {
    local package=$1 folder=$2/${1%%|*} work=$3 name
    name=$(current_name "$package")
    say "downloading $name"
    rm -rf "$work/new" "$folder"
    mkdir "$work/new"
    (cd "$work/new" && get "$name" && sha256sum -- * >"$work/SHA256" && mv "$work/SHA256" .) ||
        die "could not download $name; check the network and the free space, then run make again"
    mv "$work/new" "$folder"
}

fill_cache() {
    local cache=$1 package missing=() work types=(deb)
    shift
    for package in "$@"; do is_cached "$cache/${package%%|*}" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ -r "$KEYRING" ] || die "$KEYRING is missing; install the package debian-archive-keyring"

    work=$(mktemp -d "$cache/.apt.XXXXXX")
    remove_at_exit "$work"
    case " ${missing[*]}" in *" src:"*) types+=(deb-src) ;; esac
    configure_apt "$work" "${types[@]}"
    update_index "$work/log"
    for package in "${missing[@]}"; do download "$package" "$cache" "$work"; done
}

# Debian 13's packages have all of their files below usr, Debian 12's not: in TREE, as on an installed
# system, both lead to the same place.
lay_out() {
    local tree=$1 folder
    for folder in bin lib sbin; do
        mkdir -p "$tree/usr/$folder"
        ln -s "usr/$folder" "$tree/$folder"
    done
}

# Manual pages, device trees and the scripts of a distribution have no place in a guest.
unpack_one() {
    local files=$1 tree=$2 name=$3 source folder
    case $name in
    src:*)
        IFS=: read -r _ source folder <<<"$name"
        mkdir "$tree/$source"
        tar -x -C "$tree/$source" --strip-components=1 --wildcards -f "$files"/*.orig.tar.?z \
            "*/${folder:-*}" ;;
    *)
        dpkg-deb --fsys-tarfile "$files"/*.deb |
            tar -x -C "$tree" --keep-directory-symlink --exclude=./usr/share \
                --exclude=./usr/lib/linux-image-\* --exclude=./etc ;;
    esac
}

unpack() {
    local cache=$1 tree=$2 package files
    shift 2
    rm -rf "$tree"
    lay_out "$tree"
    for package in "$@"; do
        files=$cache/${package%%|*}
        say "unpacking $(cd "$files" && ls ./*.deb ./*.dsc 2>/dev/null | cut -c 3-)"
        REMEDY="remove $files, so that it is downloaded again, and look at the free space"
        unpack_one "$files" "$tree" "$package"
    done
}

main() {
    [ $# -ge 3 ] || die "usage: fetch.sh CACHE TREE PACKAGE..."
    local cache tree
    mkdir -p "$1"
    cache=$(realpath "$1")
    tree=$2
    shift 2
    # Two builds may share one cache.
    exec 9>"$cache/.lock"
    flock 9
    fill_cache "$cache" "$@"
    unpack "$cache" "$tree" "$@"
}

main "$@"
