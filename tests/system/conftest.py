# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import qemu  # noqa: E402


@pytest.fixture
def boot(request):
    """boot(image, ...) starts a Machine; it is stopped at the test's end, its log kept."""
    machines = []

    def start(image, **options):
        assert os.path.exists(image), f"no image {image}: build it with make"
        machine = qemu.Machine(image, **options)
        machines.append(machine)
        return machine

    yield start
    logs = os.path.join(qemu.TARGET_DIR, "tests", "logs")
    os.makedirs(logs, exist_ok=True)
    for number, machine in enumerate(machines):
        machine.stop()
        name = request.node.name.replace("/", "_")
        with open(os.path.join(logs, f"{name}.{number}.log"), "w", encoding="utf-8") as log:
            log.write(machine.log)
