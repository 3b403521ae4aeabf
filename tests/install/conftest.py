# SPDX-License-Identifier: MIT
"""The tests of this folder change the system that they run in, so they run in
a root of their own (tests/install/run), and nowhere else."""

import os

import pytest

def pytest_sessionstart(session):
    if not os.path.isdir("/root/deb"):
        raise pytest.UsageError("run these tests by tests/install/run")
