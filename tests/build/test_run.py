# SPDX-License-Identifier: BSD-2-Clause
"""The run step, `make qemu` behind its build, with a QEMU that does nothing: systems/run.sh and
locked.sh."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEMS = os.path.join(ROOT, "systems")
LONG_S = 30  # a wait that is longer is a hang
WAIT = "read -rt 600 <> <(:)"  # in the process itself, whose name counts
KEYS = "  @ !    starts the guest\n"

# Opens its disk as QEMU does, and says so; then does what the test wants.
FAKE_QEMU = """#!/bin/bash
disk=$(printf '%s\\n' "$@" | sed -n 's/^if=none,id=disk31,format=raw,file=\\([^,]*\\).*/\\1/p')
echo "$@" >>"$FOLDER/arguments"
if [ -n "$disk" ]; then
    case "$*" in *snapshot=on*) exec 7<"$disk" ;; *) exec 7<>"$disk" ;; esac
    cp "$disk" "$FOLDER/seen"
fi
touch "$FOLDER/started"
eval "$DOES"
"""


class Run:
    """A built system in a folder, and run.sh on it."""

    def __init__(self, folder):
        self.folder = folder
        self.system = folder / "systems" / "two"
        self.disk = folder / "disk.img"
        self.system.mkdir(parents=True)
        (self.system / "loader.img").write_bytes(b"image")
        (self.system / "console.txt").write_text(KEYS)
        (self.system / "system.devices").write_text("disk\n")
        self.disk.write_bytes(b"d" * 512)
        binary = folder / "bin" / "qemu-system-aarch64"
        binary.parent.mkdir()
        binary.write_text(FAKE_QEMU)
        binary.chmod(0o755)
        self.environment = dict(os.environ, PATH=f"{binary.parent}:{os.environ['PATH']}", FOLDER=str(folder),
                                DISK=str(self.disk), DISK_SNAPSHOT="", LOADER_ADDR="0x70000000",
                                TMPDIR=str(folder))
        self.children = []

    def start(self, does="exit 0", **options):
        environment = dict(self.environment, DOES=does, **options.pop("environment", {}))
        child = subprocess.Popen([f"{SYSTEMS}/run.sh", "two", str(self.system), "qemu-system-aarch64"],
                                 env=environment, **options)
        self.children.append(child)
        return child

    def run(self, does="exit 0", **environment):
        """Its exit status and all that it says."""
        child = self.start(does, environment=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        said, _ = child.communicate(timeout=LONG_S)
        return child.returncode, said

    def hold(self, **environment):
        """One that goes on; the process of its QEMU."""
        child = self.start(WAIT, environment=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
        wait_for((self.folder / "started").exists)
        (self.folder / "started").unlink()
        return child, qemu_of(child)

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.terminate()
                child.wait(LONG_S)


def wait_for(condition):
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def qemu_of(child):
    with open(f"/proc/{child.pid}/task/{child.pid}/children") as children:
        return int(children.read().split()[0])


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def test_the_keys_are_shown(run):
    status, said = run.run()
    assert status == 0
    assert said.startswith("\nStarting two in QEMU:\n" + KEYS + "  Ctrl-a x ")
    assert "\033" not in said  # no terminal, nothing to reset


def test_qemu_gets_image_and_devices(run):
    run.run()
    words = (run.folder / "arguments").read_text()
    assert f"-device loader,file={run.system}/loader.img,addr=0x70000000,force-raw=on,cpu-num=0 -drive " in words
    assert f"file={run.disk} -device virtio-blk-device" in words


@pytest.mark.parametrize("how", ["exit 0", "exit 3", "kill -9 $$"])
def test_the_terminal_is_reset_however_qemu_ends(run, terminal, how):
    master, slave = terminal
    before = termios.tcgetattr(slave)
    child = run.start(f"stty raw -echo; printf '\\033[31mred'; {how}", stdin=slave, stdout=slave)
    assert (child.wait(LONG_S) == 0) == (how == "exit 0")
    assert termios.tcgetattr(slave) == before
    said = b""
    while not said.endswith(b"\033[31mred\033[0m\033[?25h"):
        assert select.select([master], [], [], LONG_S)[0]
        said += os.read(master, 4096)


def test_the_terminal_is_reset_after_a_signal(run, terminal):
    _, slave = terminal
    before = termios.tcgetattr(slave)
    child = run.start("stty raw -echo; touch $FOLDER/raw; " + WAIT, stdin=slave, stdout=slave)
    wait_for((run.folder / "raw").exists)
    pid = qemu_of(child)
    child.send_signal(signal.SIGTERM)
    assert child.wait(LONG_S) != 0
    assert termios.tcgetattr(slave) == before
    assert not os.path.exists(f"/proc/{pid}")


def test_a_disk_in_use_names_the_run_that_has_it(run):
    _, pid = run.hold()
    (run.folder / "arguments").unlink()
    status, said = run.run()
    assert status == 1
    first, *remedy = said.splitlines()
    assert re.fullmatch(rf"the disk {run.disk} is in use by another run: process {pid}, system two, "
                        r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.", first)
    for way in (f"kill {pid}", "DISK=", "DISK_SNAPSHOT=1"):
        assert way in " ".join(remedy)
    assert not (run.folder / "arguments").exists()  # QEMU was not started


def test_a_run_that_forgets_has_the_disk_too(run):
    """Other runs that forget share it; one that writes can't, nor has what they would see change."""
    _, pid = run.hold(DISK_SNAPSHOT="1")
    assert run.run(DISK_SNAPSHOT="1")[0] == 0
    assert (run.folder / "seen").read_bytes() == b"d" * 512
    status, said = run.run()
    assert status == 1 and f"process {pid}" in said


def test_beside_a_run_that_writes_there_is_a_copy(run):
    run.hold()
    status, said = run.run(DISK_SNAPSHOT="1")
    assert status == 0
    assert "this run gets a copy of it" in said
    arguments = (run.folder / "arguments").read_text().splitlines()[-1]
    copy = re.search(r"file=(\S*cloister-disk\.\w+),snapshot=on", arguments)[1]
    assert (run.folder / "seen").read_bytes() == run.disk.read_bytes()
    assert not os.path.exists(copy)


def test_a_run_that_was_a_moment_faster_is_named(run):
    """QEMU's lock refuses the disk between our look and its own."""
    other = run.folder / "bin" / "qemu-other"
    other.write_text(f"#!/bin/bash\nexec 7<>{run.disk}\ntouch $FOLDER/has\n{WAIT}\n")
    other.chmod(0o755)
    status, said = run.run(f"exec 7<&-; {other} >/dev/null 2>&1 & echo $! >$FOLDER/pid\n"
                           "until [ -e $FOLDER/has ]; do :; done; exit 1")
    pid = int((run.folder / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    assert status == 1
    assert f"is in use by another run: process {pid}, since " in said


def test_a_system_without_a_disk_claims_none(run):
    run.hold()
    (run.system / "system.devices").write_text("net\n")
    assert run.run()[0] == 0


def test_a_disk_that_is_missing_is_told(run):
    run.disk.unlink()
    status, said = run.run()
    assert status == 1
    assert f"DISK={run.disk}: there is no such file" in said


def locked(folder, script):
    return subprocess.Popen([f"{SYSTEMS}/locked.sh", str(folder), "bash", "-c", script], stdout=subprocess.PIPE,
                            text=True, cwd=folder)


def test_two_builds_take_turns(tmp_path):
    first = locked(tmp_path, "echo 1 >>order; touch begun; while [ ! -e go ]; do sleep 0.01; done; echo 1 >>order")
    wait_for((tmp_path / "begun").exists)
    second = locked(tmp_path, "echo 2 >>order")
    assert "waiting for it to end" in second.stdout.readline()
    (tmp_path / "go").touch()
    assert first.wait(LONG_S) == 0 and second.wait(LONG_S) == 0
    assert (tmp_path / "order").read_text().split() == ["1", "1", "2"]


def test_a_build_does_not_wait_for_itself(tmp_path):
    child = locked(tmp_path, f"{SYSTEMS}/locked.sh {tmp_path} echo inside")
    assert child.communicate(timeout=LONG_S)[0] == "inside\n"
