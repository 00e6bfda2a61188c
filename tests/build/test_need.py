# SPDX-License-Identifier: BSD-2-Clause
""".ci/need beside an apt and a dpkg of its own, which keep what is installed in a file."""

import os
import shutil
import subprocess

import pytest

PACKAGES = """# a comment
tools  good-a good-b
other  good-b good-c
either none-such|good-d
gone   none-such|none-either
broken broken
"""
FAKES = {
    # As dpkg-query -W -f ' ${db:Status-Status}=${Package} ' does.
    "dpkg-query": 'shift 3; for p; do grep -qx "$p" "$STATE/installed" && printf " installed=%s " "$p"; done; true',
    "apt-cache": 'shift; for p; do case $p in none-*) ;; *) printf "%s:\\n  Candidate: 1.0\\n" "$p";; esac; done',
    "sudo": 'exit 1',
    "apt-get": '''
echo "$*" >>"$STATE/calls"
case "$*" in
update*) echo "E: no network"; exit 100 ;;
*--print-uris*) echo "Reading package lists..."; echo "'http://x/a.deb' a.deb 1500000 SHA256:0"
    echo "'http://x/b.deb' b.deb 500000 SHA256:0"; exit ;;
*" -s "*) echo "Inst a [1]"; echo "Inst b"; echo "Conf a"; exit ;;
esac
mkdir "$STATE/lock" || { echo "E: Could not get lock /var/lib/dpkg/lock-frontend" >&2; exit 100; }
case "$*" in *"Status-Fd=1 "*) exec >&- ;; esac # apt closes that descriptor for the packages' scripts
echo "dlstatus:1:50.3:Retrieving" >&3; sleep 0.3; echo "Unpacking a" || exit 100
echo "pmstatus:a:100.0:Installed a" >&3
for p; do case $p in
    broken) rmdir "$STATE/lock"; echo "E: broken is broken" >&2; exit 100 ;;
    good-*) echo "$p" >>"$STATE/installed" ;; esac; done
rmdir "$STATE/lock"
''',
    "id": 'echo "${FAKE_UID:-0}"',
}


@pytest.fixture
def need(here, tmp_path):
    for folder in ("ci", "bin", "state"):
        os.mkdir(tmp_path / folder)
    for name in ("need", "script.sh"):
        shutil.copy2(here.path_of(".ci", name), tmp_path / "ci")
    (tmp_path / "ci" / "packages").write_text(PACKAGES)
    (tmp_path / "state" / "installed").touch()
    for name, text in FAKES.items():
        (tmp_path / "bin" / name).write_text("#!/bin/bash\n" + text)
        (tmp_path / "bin" / name).chmod(0o755)

    def start(*groups, uid=0):
        environment = dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}", STATE=str(tmp_path / "state"),
                           FAKE_UID=str(uid))
        return subprocess.Popen([tmp_path / "ci" / "need", *groups], env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    start.state = tmp_path / "state"
    return start


def ended(process):
    out, error = process.communicate(timeout=60)
    return process.returncode, out, error


def test_says_what_how_many_and_how_much(need):
    status, out, error = ended(need("tools"))
    assert (status, error) == (0, "")
    assert "Installing Debian packages: good-a good-b (2 with what they depend on, 2.0 MB to download)" in out
    assert "download  50 %" in out and "install  100 %" in out
    assert "Unpacking" not in out


def test_nothing_is_said_where_all_is_there(need):
    assert ended(need("tools"))[0] == 0
    assert ended(need("tools")) == (0, "", "")


def test_several_at_once_do_not_collide(need):
    for status, _, error in [ended(process) for process in [need("tools"), need("other"), need("tools", "other")]]:
        assert (status, error) == (0, "")
    installed = (need.state / "installed").read_text().split()
    assert sorted(installed) == ["good-a", "good-b", "good-c"]


def test_package_of_two_groups_is_named_once(need):
    assert "Debian packages: good-a good-b good-c (" in ended(need("tools", "other"))[1]


def test_apt_waits_for_a_lock_of_others(need):
    assert ended(need("tools"))[0] == 0
    assert "DPkg::Lock::Timeout=600" in (need.state / "calls").read_text()


def test_first_alternative_that_there_is_is_installed(need):
    assert ended(need("either"))[0] == 0
    assert (need.state / "installed").read_text().split() == ["good-d"]
    assert ended(need("either")) == (0, "", "")


@pytest.mark.parametrize("group, sentence", [
    ("gone", "apt knows no package none-such|none-either; this build needs Debian 12 or later"),
    ("broken", "could not install broken; check the network"),
    ("unlisted", "packages has no group 'unlisted'; add it there"),
])
def test_failure_ends_with_a_sentence(need, group, sentence):
    status, _, error = ended(need(group))
    assert status != 0
    assert error.splitlines()[-1].startswith("need: ") and sentence in error.splitlines()[-1]


def test_user_without_rights_is_told_the_command(need):
    status, _, error = ended(need("tools", uid=1000))
    assert status != 0
    assert "as root: apt-get install --no-install-recommends good-a good-b" in error
