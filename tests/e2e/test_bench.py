# SPDX-License-Identifier: MIT
"""What `make bench` says of two runs: a row has changed only if it differs by
more than both runs swing, and runs of different kinds are not compared. And
the page that is made from its results has nothing that was not measured."""

import copy
import json
import os
import subprocess
import sys

import pytest

import server as servers

BENCH = os.path.join(servers.TOP, "tests", "bench")


def timed(*ratios):
    """The samples of a work in which Roost takes so much of plain's time,
    round by round, on a machine that gets slower all the time."""
    plain = [0.5 * (number + 1) for number in range(len(ratios))]
    return {"plain": [{"wall": wall, "cpu": wall / 2} for wall in plain],
            "roost": [{"wall": wall * ratio, "cpu": wall * ratio / 2}
                      for wall, ratio in zip(plain, ratios)]}


def in_memory(*kib):
    return {"roost": [{"private": number, "pss": 2 * number}
                      for number in kib]}


def run_of(samples, **changed):
    """A run's result with these samples."""
    found = {"format": 2, "date": "2026-11-30", "commit": "0123456789ab",
             "dovecot": "2.3.19", "machine": "x86_64, 2 processors",
             "storage": "sdbox", "disk": "ext4", "box": [5000],
             "sizes": {"messages": 2000, "lively": 5000, "seed": 1},
             "load": [[0, 0, 0], [0, 0, 0]], "notes": [],
             "samples": samples}
    found.update(changed)
    return found


@pytest.fixture
def compared(tmp_path):
    """A function that compares two runs, and returns (status, lines)."""
    def compare(earlier, now):
        paths = []
        for name, result in ("earlier", earlier), ("now", now):
            paths.append(str(tmp_path / name))
            with open(paths[-1], "w") as file:
                file.write(result if isinstance(result, str)
                           else json.dumps(result))
        done = subprocess.run(
            [sys.executable, os.path.join(BENCH, "against.py"), *paths],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout.splitlines()
    return compare


def said(lines, start):
    """The rows that stand below the line that begins so."""
    found = [number for number, line in enumerate(lines)
             if line.startswith(start)]
    assert len(found) == 1, lines
    below = []
    for line in lines[found[0] + 1:]:
        if not line.startswith("  "):
            break
        below.append(line.strip())
    return below


def test_a_row_has_changed_if_it_differs_by_more_than_the_noise(compared):
    earlier = run_of({"fetch": timed(1.20, 1.22, 1.18, 1.21, 1.19)})
    now = run_of({"fetch": timed(1.40, 1.42, 1.38, 1.41, 1.39)})
    status, lines = compared(earlier, now)
    assert status == 0, lines
    # The times of plain swing widely, and that is no change.
    assert said(lines, "2 rows have changed, 1 have not.") == [
        "fetch, roost, ratio: 1.2 earlier, 1.4 now; noise 0.02 and 0.02",
        "fetch, roost, processor ratio: 1.2 earlier, 1.4 now; "
        "noise 0.02 and 0.02"]
    assert any(line.startswith("A row has changed if ") for line in lines)


@pytest.mark.parametrize("noisy", ["earlier", "now"])
def test_the_noise_of_each_run_counts(compared, noisy):
    quiet = (1.20, 1.21, 1.19), (1.30, 1.31, 1.29)
    wide = (1.20, 1.32, 1.10), (1.30, 1.42, 1.20)
    runs = [run_of({"fetch": timed(*(wide if noisy == name else quiet)[at])})
            for at, name in enumerate(("earlier", "now"))]
    assert said(compared(*runs)[1], "0 rows have changed, 3 have not.") == []


def test_one_bad_round_of_many_is_no_noise(compared):
    steady = [1.20, 1.21, 1.19] * 4
    earlier = run_of({"fetch": timed(*steady)})
    now = run_of({"fetch": timed(*[ratio + 0.1 for ratio in steady[1:]], 9)})
    assert said(compared(earlier, now)[1], "2 rows have changed")
    few = run_of({"fetch": timed(1.30, 1.31, 9)})
    assert not said(compared(earlier, few)[1], "0 rows have changed")


def test_memory_is_compared_as_it_is(compared):
    earlier = run_of({"memory-select": in_memory(1328, 1332, 1328)})
    now = run_of({"memory-select": in_memory(600, 604, 600)})
    assert said(compared(earlier, now)[1], "2 rows have changed") == [
        "memory-select, roost, Private_Dirty, KiB: 1328 earlier, 600 now; "
        "noise 4 and 4",
        "memory-select, roost, Pss, KiB: 2656 earlier, 1200 now; "
        "noise 8 and 8"]
    same = compared(earlier, copy.deepcopy(earlier))[1]
    assert said(same, "0 rows have changed, 2 have not.") == []


def test_rows_that_one_of_the_runs_does_not_have(compared):
    both = timed(1.2, 1.2)
    earlier = run_of({"fetch": both, "gone": timed(1, 1)})
    now = run_of({"fetch": both, "new": timed(1, 1)}, box=[5000, 20000])
    _, lines = compared(earlier, now)
    rows = ["%s, plain, seconds", "%s, roost, ratio",
            "%s, roost, processor ratio"]
    assert said(lines, "0 rows have changed, 3 have not.") == []
    assert said(lines, "3 rows are not in the earlier run:") == [
        row % "new" for row in rows]
    assert said(lines, "3 rows are not in this run:") == [
        row % "gone" for row in rows]


def test_one_round_tells_no_noise(compared):
    earlier = run_of({"fetch": timed(1.2)})
    now = run_of({"fetch": timed(9, 9, 9)})
    _, lines = compared(earlier, now)
    assert said(lines, "0 rows have changed, 0 have not.") == []
    assert len(said(lines, "3 rows are not judged")) == 3


@pytest.mark.parametrize("changed, told", [
    ({"machine": "aarch64"}, "machine: x86_64, 2 processors earlier, aarch64"),
    ({"storage": "maildir"}, "storage: sdbox earlier, maildir now"),
    ({"disk": "tmpfs"}, "file system: ext4 earlier, tmpfs now"),
    ({"dovecot": "2.4.1"}, "Dovecot: 2.3.19 earlier, 2.4.1 now"),
    ({"sizes": {"messages": 200, "lively": 5000, "seed": 1}},
     "messages: 2000 earlier, 200 now"),
    ({"sizes": {"messages": 2000, "lively": 5000}},
     "seed: 1 earlier, None now"),
])
def test_runs_of_another_kind_are_refused(compared, changed, told):
    samples = {"fetch": timed(1.2, 1.2)}
    status, lines = compared(run_of(samples), run_of(samples, **changed))
    assert status == 1 and len(lines) == 1, lines
    assert "cannot be compared" in lines[0] and told in lines[0], lines


@pytest.mark.parametrize("earlier", ["", "[]", "{}", '{"format": 1}'])
def test_what_is_no_result_is_refused(compared, earlier):
    status, lines = compared(earlier, run_of({}))
    assert status == 1 and len(lines) == 1, lines
    assert lines[0].startswith("against: ") and "earlier" in lines[0], lines


# The page

def section(dovecot, cell):
    """The section that page.py makes of one table."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, page; sys.stdout.write("
         "page.section(*sys.argv[1:3], [[['work', 'plain'], "
         "['APPEND', sys.argv[3]]]], ['A note.']))",
         "Dovecot %s, sdbox" % dovecot, "2026-11-30, commit x", cell],
        stdout=subprocess.PIPE, text=True, check=True,
        env=dict(os.environ, PYTHONPATH=BENCH))
    return done.stdout


def put(page, text):
    """Puts a section into the page; returns (status, the page)."""
    path = page.parent / "section.md"
    path.write_text(text)
    done = subprocess.run([sys.executable, os.path.join(BENCH, "page.py"),
                           str(page), str(path)], stderr=subprocess.DEVNULL)
    return done.returncode, page.read_text() if page.exists() else None


def test_the_page_keeps_the_last_result_of_each_major(tmp_path):
    page = tmp_path / "BENCH.md"
    _, text = put(page, section("2.3.19", "11 ms"))
    assert "\n## Dovecot 2.4\n\nNot measured yet.\n" in text
    assert "| APPEND | 11 ms |" in text and "A note." in text
    _, text = put(page, section("2.4.1", "22 ms"))
    assert "Not measured" not in text
    _, text = put(page, section("2.3.21", "33 ms"))
    assert "11 ms" not in text and "Dovecot 2.3.19" not in text
    assert text.index("| 33 ms |") < text.index("| 22 ms |")
    assert text.count("## ") == 3 and text.count("## Where it goes") == 1


@pytest.mark.parametrize("text", ["", "## Something\n\nelse\n",
                                  "## Dovecot 3.0.1, sdbox\n"])
def test_the_page_takes_nothing_but_a_section(tmp_path, text):
    page = tmp_path / "BENCH.md"
    assert put(page, text) == (1, None)


# Goals

def beside_plain(field, plain, roost, password):
    """One round of the three systems; other fields are of no matter."""
    return {name: [dict({"wall": 1.0, "cpu": 1.0, "private": 1,
                         "pss": 1}, **{field: value})]
            for name, value in (("plain", plain), ("roost", roost),
                                ("password", password))}


@pytest.mark.parametrize("work, samples, title, told", [
    ("write-lmtp-lively-tmpfs", ("wall", 2, 2.3, 2.4),
     "LMTP, lively messages, tmpfs", ["1.15, met", "1.20, missed by 0.05"]),
    ("subject-again-20000", ("wall", 1, 1.2, 1.31),
     "SEARCH SUBJECT, no hit, 20 000 messages, again",
     ["1.20, met", "1.31, missed by 0.11"]),
    # It must be faster than plain, and not as fast.
    ("partial-lf-next", ("wall", 1, 0.98, 1),
     "the next 64 KiB, LF", ["0.98, met", "1.00, missed by 0.00"]),
    ("login", ("wall", 0.01, 0.0105, 0.0132),
     "login and SELECT, more than plain",
     ["+0.50 ms, met", "+3.20 ms, missed by 2.20 ms"]),
    ("memory-waiting", ("private", 492, 642, 1328),
     "private memory: a session of many that wait",
     ["+150 KiB, met", "+836 KiB, missed by 686 KiB"]),
    ("memory-waiting", ("private", 492, 642, 700),
     "private memory of 10 000 sessions (GB of 1 000 000 KiB)",
     ["6.42 GB, met", "7.00 GB, missed by 0.50 GB"]),
])
def test_a_goal_says_of_both_modes_how_far_they_are(work, samples, title,
                                                    told):
    result = run_of({work: beside_plain(*samples)}, box=[5000, 20000])
    done = subprocess.run(
        [sys.executable, "-c", "import json, sys, summary; print(json.dumps("
         "summary.summarize(json.load(sys.stdin))['goals']))"],
        input=json.dumps(result), stdout=subprocess.PIPE, text=True,
        check=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(
            [BENCH, os.path.join(servers.TOP, "tests", "e2e")])))
    found = {goal["title"]: goal["measured"]
             for goal in json.loads(done.stdout)}
    assert [", ".join(found[title][mode])
            for mode in ("roost", "password")] == told
