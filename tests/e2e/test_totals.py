# SPDX-License-Identifier: MIT
"""What `make check` prints: a line for each step, a failure that is shown and
named, and a sum that no step can be missing from.  And what `make test` runs."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import server as servers

TOTALS = os.path.join(servers.TOP, "tests", "totals")

# Each kind of count, as its program prints it.
MAKEFILE = r"""
build:
	@echo compiling
broken:
	@echo a compiler says why; false
cmocka:
	@echo "== one"; echo "[  PASSED  ] 11 test(s)."
	@echo "== two"; echo "[  PASSED  ] 3 test(s)."; \
		echo "[  SKIPPED ] 2 test(s), listed below:"
cmocka-fails:
	@echo "== one"; echo "[  PASSED  ] 11 test(s)."
	@echo "== two"; echo "[  PASSED  ] 3 test(s)."; \
		echo "[  FAILED  ] 2 test(s), listed below:"; \
		echo "[  FAILED  ] test_a"; echo "[  FAILED  ] test_b"; \
		echo; echo " 2 FAILED TEST(S)"; false
glue:
	@echo "0 / 19 tests failed"
glue-fails:
	@echo "2 / 19 tests failed"; false
vectors:
	@echo "0 passed, 0 failed, 1 skipped"; echo "712 passed, 0 failed"
mutate:
	@echo "50000 mutated, 0 accepted"
mutate-fails:
	@echo "50000 mutated, 1 accepted"; false
pytest:
	@echo "tests/test_a.py .....  [ 45%]"
	@echo "tests/test_b.py .....  [100%]"
	@echo "10 passed, 1 skipped in 3.20s"
pytest-fails:
	@echo "==== 1 failed, 9 passed, 2 errors in 65.20s (0:01:05) ===="; false
silent:
	@true
one-of-two-silent:
	@echo "== talks"; echo "5 passed, 0 failed"; echo "== stays silent"
lies:
	@echo "5 passed, 0 failed"; false
good-for-nothing:
	@echo "4 passed, 1 failed"
stays:
	@echo "3 passed, 0 failed"; trap 'echo asked >> asked' INT TERM; \
		touch begun; until [ -e asked ]; do sleep 0.02; done; touch ended
"""


@pytest.fixture
def totals(tmp_path):
    (tmp_path / "Makefile").write_text(MAKEFILE)

    def start(*args):
        env = {name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        return subprocess.Popen([sys.executable, TOTALS, *args], cwd=tmp_path,
                                env=env, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
    return start


def ended(process, status):
    out, _ = process.communicate()
    assert process.returncode == status, out
    return out.splitlines()


def test_every_kind_of_count_is_added(totals):
    steps = "cmocka", "glue", "vectors", "mutate", "pytest"
    lines = ended(totals("--build", "build", *steps), 0)
    assert len(lines) == 1 + len(steps) + 1
    for number, name in enumerate(("build",) + steps, 1):
        assert lines[number - 1].startswith("[%d/6] %s ... " % (number, name))
    assert " 40% 10 passed, 0 failed, 1 skipped (" in lines[5]
    assert lines[-1] == "totals: %d passed, 0 failed, 4 skipped" % (
        14 + 19 + 712 + 50000 + 10)


@pytest.mark.parametrize("step, passed, failed", [
    ("cmocka-fails", 14, 2), ("glue-fails", 17, 2), ("mutate-fails", 49999, 1),
    ("pytest-fails", 9, 3), ("good-for-nothing", 4, 1)])
def test_a_step_that_fails_is_shown_and_named(totals, step, passed, failed):
    lines = ended(totals("glue", step, "vectors"), 1)
    assert re.fullmatch(r"\[2/3\] %s \.\.\. %d passed, %d failed \(\d+ s\): "
                        r"FAILED" % (step, passed, failed), lines[1])
    assert len(lines) > 5       # what it printed
    assert "[3/3] vectors ..." in lines[-2]     # the rest is tried as well
    assert lines[-1] == "totals: %d passed, %d failed, 1 skipped; failed: " \
        "%s (%d failed)" % (19 + passed + 712, failed, step, failed)


@pytest.mark.parametrize("step, passed, why", [
    ("silent", 0, "no count"), ("lies", 5, "status 2"),
    ("one-of-two-silent", 5, "no count of stays silent")])
def test_a_step_that_shows_nothing_has_failed(totals, step, passed, why):
    lines = ended(totals("glue", step), 1)
    assert lines[-1] == "totals: %d passed, 1 failed; failed: %s (%s)" % (
        19 + passed, step, why)


def test_nothing_is_tried_without_a_build(totals):
    lines = ended(totals("--build", "broken", "glue"), 1)
    assert "a compiler says why" in lines
    assert lines[-1] == "totals: 0 passed, 1 failed; failed: broken " \
        "(status 2); not run to the end: glue"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_step_and_is_told(totals, tmp_path, number):
    process = totals("glue", "stays", "vectors")
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    lines = ended(process, 130)
    assert lines[-1] == "totals: 19 passed, 0 failed, interrupted; " \
        "not run to the end: stays, vectors"
    # It waited for the step, and asked it once.
    assert (tmp_path / "ended").exists()
    assert (tmp_path / "asked").read_text() == "asked\n"


@pytest.fixture
def one(tmp_path):
    """tests/one, where everything is built already and says that it ran."""
    for path in "core/test_err", "glue/test_ring", "vectors/run":
        program = tmp_path / "tests" / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text('#!/bin/sh\necho "ran %s $#"\n' % path)
        program.chmod(0o755)

    def run(name):
        done = subprocess.run(
            [sys.executable, os.path.join(servers.TOP, "tests", "one"), name],
            env=dict(os.environ, MAKE="true", BUILD=str(tmp_path)),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        return done.returncode, done.stdout
    return run


@pytest.mark.parametrize("name, is_run", [
    ("err", "core/err"), ("core/err", "core/err"),
    ("tests/core/test_err.c", "core/err"), ("glue/ring", "glue/ring"),
    ("blob-form-0", "vector/blob-form-0"),
    ("blob-form-0.vec", "vector/blob-form-0")])
def test_one_test_is_run_and_named(one, name, is_run):
    status, out = one(name)
    assert status == 0
    assert out.startswith("test: %s\n" % is_run)
    assert out.count("\nran ") == 1


@pytest.mark.parametrize("name, told, near", [
    ("ring", "is more than one test:", ["glue/ring", "e2e/ring"]),
    ("vector/blob-form-own-61", "is no test's name",
     ["vector/blob-form-own-60"]),
    ("core/blobb", "is no test's name", ["core/blob"]),
    ("rooms: no", "is more than one test:",
     ["shape/rooms: no symbol"])])
def test_a_name_that_is_not_one_test_lists_what_is_near(one, name, told, near):
    status, out = one(name)
    assert status == 2
    assert "test: %s %s" % (name, told) in out
    for other in near:
        assert "\n  " + other in out
    assert "\nran " not in out
