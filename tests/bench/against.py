# SPDX-License-Identifier: MIT
"""against: which rows differ from those of an earlier run, and by more than
both runs swing.

    against.py EARLIER.json NOW.json

Each row and system is compared by what a busy machine disturbs least: times
and processor times as ratios to plain in the same round, memory as it is, and
plain itself in seconds. What seals in place is compared with `doveadm backup`,
and a login that opens mail with that in provider mode.

The rule: a row has changed if the medians of both runs are farther apart than
the noise of both together. The noise of a run is how far its rounds lie from
its median, the farthest one of each ten left out. With fewer than two rounds in
one of the runs there is no noise to know, and the row is not judged.

Runs of another Dovecot, machine, storage or size, or files of another form,
are refused.
"""

import json
import statistics
import sys

import figures

FORMAT = 2
KIND = {"dovecot": "Dovecot", "machine": "machine", "storage": "storage",
        "disk": "file system"}
RULE = ("A row has changed if its medians are farther apart than the noise of "
        "both runs together. A run's noise is how far its rounds lie from its "
        "median, the farthest one of each ten left out.")
# {first of the names that a work has: base of its ratios}
BASES = ("plain", "doveadm backup", "provider mode")
LEFT_OUT = 10


class Refused(Exception):
    """Why two runs cannot be compared."""


def read(path):
    try:
        with open(path) as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise Refused("%s cannot be read: %s" % (path, error)) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Refused("%s is no result of this bench (its format is not %d)"
                      % (path, FORMAT))
    return found


def check(earlier, now):
    """Raises Refused unless both runs have measured the same."""
    differ = [(title, earlier.get(name), now.get(name))
              for name, title in KIND.items()]
    names = sorted(set(earlier["sizes"]) | set(now["sizes"]))
    differ += [(name, earlier["sizes"].get(name), now["sizes"].get(name))
               for name in names]
    told = ["%s: %s earlier, %s now" % found for found in differ
            if found[1] != found[2]]
    if told:
        raise Refused("the runs cannot be compared: " + "; ".join(told))


def noise(values):
    """How far the values lie from their median, without the farthest."""
    middle = statistics.median(values)
    away = sorted(abs(value - middle) for value in values)
    return away[len(away) - 1 - len(away) // LEFT_OUT]


def _series(samples):
    """{(system, measure): values} of one work."""
    base = next((name for name in BASES if name in samples), None)
    for name, some in samples.items():
        if "private" in some[0]:
            yield (name, "Private_Dirty, KiB"), figures.column(some, "private")
            yield (name, "Pss, KiB"), figures.column(some, "pss")
        elif name == base:
            yield (name, "seconds"), figures.column(some, "wall")
        else:
            yield (name, "ratio"), figures.ratios(some, samples[base], "wall")
            if "cpu" in some[0]:
                yield (name, "processor ratio"), figures.ratios(
                    some, samples[base], "cpu")


def series(result):
    """{(work, system, measure): values} of a run."""
    return {(work,) + key: values
            for work, samples in result["samples"].items()
            for key, values in _series(samples) if values}


def _number(value):
    return "%.0f" % value if abs(value) >= 100 else "%.4g" % value


def _row(key, old, new):
    before, after = statistics.median(old), statistics.median(new)
    return "  %s, %s, %s: %s earlier, %s now; noise %s and %s" % (
        key + tuple(map(_number, (before, after, noise(old), noise(new)))))


def judge(old, new):
    """Returns "changed", "unchanged" or "unknown"."""
    if min(len(old), len(new)) < 2:
        return "unknown"
    apart = abs(statistics.median(old) - statistics.median(new))
    return "changed" if apart > noise(old) + noise(new) else "unchanged"


def compare(earlier, now):
    """Returns the lines that say what has changed."""
    check(earlier, now)
    old, new = series(earlier), series(now)
    both = [key for key in new if key in old]
    verdicts = {key: judge(old[key], new[key]) for key in both}
    changed = [key for key in both if verdicts[key] == "changed"]
    unknown = [key for key in both if verdicts[key] == "unknown"]
    lines = ["Compared with the run of %s, commit %s." % (
        earlier["date"], earlier["commit"]), RULE,
        "%d rows have changed, %d have not." % (
            len(changed), len(both) - len(changed) - len(unknown))]
    lines += [_row(key, old[key], new[key]) for key in changed]
    for keys, said in (
            (unknown, "not judged, because one of the runs has one round"),
            ([key for key in new if key not in old], "not in the earlier run"),
            ([key for key in old if key not in new], "not in this run")):
        if keys:
            lines.append("%d rows are %s:" % (len(keys), said))
            lines += ["  %s, %s, %s" % key for key in keys]
    return lines


def main():
    earlier, now = sys.argv[1:]
    try:
        print("\n".join(compare(read(earlier), read(now))))
    except Refused as refused:
        sys.exit("against: %s" % refused)


if __name__ == "__main__":
    main()
