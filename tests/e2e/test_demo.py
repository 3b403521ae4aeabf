# SPDX-License-Identifier: MIT
"""make demo: what it shows, and the commands that it prints with KEEP=1."""

import os
import re
import signal
import subprocess
import sys

import pytest

import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="it shows nothing then")

DEMO = [sys.executable, os.path.join(os.path.dirname(
    os.path.abspath(__file__)), "demo.py")]


def read_until(process, pattern):
    said = ""
    while not re.search(pattern, said, re.M):
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def test_it_ends_by_itself():
    done = subprocess.run(DEMO, stdout=subprocess.PIPE, timeout=120,
                          env=dict(os.environ, KEEP=""))
    assert done.returncode == 0
    assert b'"nightingale" is not in the mail files' in done.stdout


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_its_commands_work(storage):
    process = subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, KEEP="1", STORAGE=storage))
    try:
        said = read_until(process, r"^stop it with .*\n")
        lines = re.findall(r"^    (nsenter .*|head .*|curl .*)$", said, re.M)
        assert len(lines) >= 5, said
        shown = ""
        for line in lines:
            done = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.PIPE, timeout=60)
            assert (done.returncode, done.stderr) == (0, ""), (line, done)
            assert done.stdout, line
            shown += done.stdout
        assert "meet me where the nightingale sings" in shown
        assert "state: open" in shown and "provider" in shown
        end = re.search(r"^stop it with Ctrl-C here, or: kill (\d+)$", said,
                        re.M)
        assert int(end.group(1)) == process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
