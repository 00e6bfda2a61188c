# SPDX-License-Identifier: BSD-2-Clause
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import qemu  # noqa: E402


class Booter:
    """boot(image, ...) starts a Machine; at the end all are stopped and their logs kept."""

    def __init__(self, name):
        self.name = re.sub(r"[^\w.-]+", "_", name)
        self.machines = []
        self.logs = 0

    def __call__(self, image, **options):
        assert os.path.exists(image), f"no image {image}: build it with make"
        self.machines.append(qemu.Machine(image, **options))
        return self.machines[-1]

    def stop(self):
        logs = os.path.join(qemu.TARGET_DIR, "tests", "logs")
        os.makedirs(logs, exist_ok=True)
        for machine in self.machines:
            machine.stop()
            with open(os.path.join(logs, f"{self.name}.{self.logs}.log"), "w",
                      encoding="utf-8") as log:
                log.write(machine.log)
            self.logs += 1
        self.machines.clear()


@pytest.fixture
def boot(request):
    """For a test with a machine of its own."""
    booter = Booter(request.node.name)
    yield booter
    booter.stop()


@pytest.fixture(scope="module")
def boot_for_module(request):
    booter = Booter(request.node.name)
    yield booter
    booter.stop()


def pytest_runtest_makereport(item, call):
    item.module.has_failed = getattr(item.module, "has_failed", False) or call.excinfo is not None


@pytest.fixture
def machine(request, boot_for_module):
    """The machine that the tests of a file share: its IMAGE with its OPTIONS, every guest logged in.
    A test leaves the shells at their prompts; after one that fails there is a new machine."""
    module = request.module
    if getattr(module, "has_failed", False):
        boot_for_module.stop()
        module.has_failed = False
    if not boot_for_module.machines:
        machine = boot_for_module(module.IMAGE, **getattr(module, "OPTIONS", {}))
        for guest in machine.guests:
            guest.login()
    return boot_for_module.machines[0]


@pytest.fixture
def say(capfd):
    """Prints a figure or progress into the run's own output."""
    def print_line(text):
        with capfd.disabled():
            print(f"  {text}", file=sys.stderr, flush=True)  # a worker's stdout is not its own
    return print_line
