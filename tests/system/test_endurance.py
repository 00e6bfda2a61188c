# SPDX-License-Identifier: BSD-2-Clause
"""Two guests with traffic to disk, network and sockets, one of which dies at random moments and starts
again. CLOISTER_ENDURE_S says for how long (`make soak`: half an hour). At the end nothing is wrong,
nothing hangs, and nothing has leaked: what can be had at most is still to be had."""

import os
import random
import re
import time

import qemu
import vsock_tools

IMAGE = qemu.system_image("virtio_tools")
SECONDS = int(os.environ.get("CLOISTER_ENDURE_S", "20"))
SEED = int(os.environ.get("CLOISTER_SEED", "1"))
CID = 3
# Each line as long as everything is right; a line WRONG if it is not.
DISK = """dd if=/dev/urandom of=/tmp/work bs=64k count=4 2>/dev/null; sum=$(md5sum </tmp/work)
while cp /tmp/work /mnt/work && sync && echo 3 >/proc/sys/vm/drop_caches &&
[ "$(md5sum </mnt/work)" = "$sum" ]; do echo disk; done
echo "WRONG disk: $(cmp /tmp/work /mnt/work 2>&1; ls -l /mnt/work 2>&1; df /mnt | tail -1; dmesg | tail -n 3)" """
STREAMS = """while out=$(vsock_bench stream 3 1048576 65536 2>&1); do echo vsock; done
echo "WRONG vsock $out" """
TCP = """while out=$(vsock_bench stream 192.168.7.1 1048576 65536 2>&1); do echo tcp; done
echo "WRONG tcp $out" """
# Linux 6.1 marks its virtqueues as broken at a reboot, and virtnet_poll_cleantx() then spins for ever
# if frames that were sent have not been seen to be done: so the card is taken down before.
DEATHS = ("ifconfig eth0 down; reboot -f", "echo b >/proc/sysrq-trigger",
          "echo c >/proc/sysrq-trigger")


def set_up(guest):
    guest.run(f"ifconfig eth0 192.168.7.{guest.index + 1} netmask 255.255.255.0 up")
    # A file system that knows nothing of the lives before: FAT does not outlive a death in any state.
    guest.run("umount /mnt; mkfs.fat -n life /dev/vda >/dev/null && mount /dev/vda /mnt && "
              "echo 1 >/proc/sys/kernel/panic")


def begin(guest, **scripts):
    for name, script in scripts.items():
        guest.write_file(f"/tmp/{name}.sh", script + "\n")
        guest.run(f"sh /tmp/{name}.sh >/tmp/{name} 2>&1 & true")


def rounds(guest, *names):
    """How often each was right."""
    for name in names:
        said = guest.run(f"grep WRONG /tmp/{name} || true")
        assert "WRONG" not in said, said
    # A word of the kernel's may come in between.
    return [int(re.findall(r"^\d+\s*$", guest.run(f"wc -l </tmp/{name}"), re.MULTILINE)[-1])
            for name in names]


def live(guest, seconds):
    """A life of the guest that dies: traffic of all kinds, then an end."""
    set_up(guest)
    begin(guest, disk=DISK, vsock=STREAMS, tcp=TCP)
    time.sleep(seconds)
    done = rounds(guest, "disk", "vsock", "tcp")
    guest.send(f"{random.choice(DEATHS)}\r")
    guest.login()
    return done


def what_there_is_at_most(stable, dying):
    """Queues, rings and tables are all free again."""
    dying.run("vsock_bench many 3 128")
    vsock_tools.megabytes(dying, "stream", CID, 8 << 20, 65536)
    dying.run("ping -A -q -c 200 192.168.7.1 | grep -q '200 packets received'")
    stable.run("fio --name=x --filename=/dev/vda --rw=randread --bs=4k --direct=1 --ioengine=io_uring "
               "--iodepth=128 --number_ios=2000 --readonly >/tmp/fio 2>&1")


def test_lives(boot, say):
    random.seed(SEED)
    machine = boot(IMAGE)
    stable, dying = (guest.login() for guest in machine.guests)
    set_up(stable)
    vsock_tools.serve(stable)
    begin(stable, disk=DISK)
    machine.counters()
    end, lives, total = time.monotonic() + SECONDS, 0, [0, 0, 0]
    while lives == 0 or time.monotonic() < end:
        total = [a + b for a, b in zip(total, live(dying, random.uniform(2, 10)))]
        lives += 1
    own = rounds(stable, "disk")[0]
    stable.run("pkill -f disk.sh; true")
    set_up(dying)
    what_there_is_at_most(stable, dying)
    counts = machine.counters()
    say(f"{lives} lives; rounds of disk, vsock, TCP: {total}, of the other guest's disk: {own}")
    assert own > 0 and all(total)
    assert not any("refused" in name or "failed" in name for name in counts), counts
    assert "crashed" not in machine.log and "I/O error" not in machine.log
