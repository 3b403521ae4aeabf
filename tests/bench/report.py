# SPDX-License-Identifier: MIT
"""report: a run's medians, ratios and goals as tables, JSON and a chart."""

import json
import os
import statistics

import chart
import flagbox
import logins
import mailbox

# Each work as (key, title, goal for Roost's wall time as a ratio to plain).
WORKS = (
    ("append", "APPEND all", 1.15),
    ("lmtp", "LMTP delivery of all", 1.15),
    ("fetch", "FETCH 1:* BODY.PEEK[]", 1.3),
    ("search", "SEARCH BODY, no hit", 1.4),
    ("listing-cold", "FETCH ENVELOPE BODYSTRUCTURE, first", 1.5),
    ("listing-cached", "the same, cached", 1.3),
    ("partial-crlf-cold", "64 KiB at the end of the big one, CRLF", 1.1),
    ("partial-crlf-next", "the next 64 KiB, CRLF", 1.1),
    ("partial-lf-cold", "64 KiB at the end of the big one, LF", 1.6),
    ("partial-lf-next", "the next 64 KiB, LF", 1.1),
    ("login", "login and SELECT", None),
) + mailbox.WORKS + flagbox.WORKS
# Programs that work on a whole mailbox, by name, and not by system.
INPLACE = "inplace"
INPLACE_NAMES = ("cp -a", "doveadm backup", "seal", "verify", "unseal")
SEAL_TO_BACKUP = 2.0
# Logins that open the mail, by name likewise.
LOGINS = "logins"
CACHED_MORE_MS = 1.0
FETCH_FASTER = 12
LOGIN_MORE_MS = 1.0
MEMORY_MORE_KIB = 1024


def _verdict(is_met, missed_by):
    return "met" if is_met else "missed by " + missed_by


def _at_most(value, goal, form="%.2f"):
    return _verdict(value <= goal, form % (value - goal))


def _ratios(samples, field, to="plain"):
    """{system: (median, lowest, highest)} of the rounds' ratios."""
    found = {}
    for name, rows in samples.items():
        ratios = [row[field] / base[field]
                  for row, base in zip(rows, samples[to]) if base[field]]
        if ratios:
            found[name] = (statistics.median(ratios), min(ratios),
                           max(ratios))
    return found


def _lowest(samples, field):
    """{system: its lowest value as a ratio to plain's lowest}. The lowest is
    what other work on the machine has disturbed least."""
    low = {name: min(row[field] for row in rows)
           for name, rows in samples.items()}
    return {name: value / low["plain"] for name, value in low.items()}


def _spread(rows, field):
    values = [row[field] for row in rows]
    return {"median": statistics.median(values), "lowest": min(values),
            "highest": max(values)}


def summarize(result):
    """Adds "works" and "goals" to a result, made from its samples."""
    samples = result["samples"]
    works = result["works"] = {}
    for key, title, goal in WORKS:
        if key not in samples:
            continue
        works[key] = {
            "title": title, "goal": goal,
            "seconds": {name: _spread(rows, "wall")
                        for name, rows in samples[key].items()},
            "cpu": {name: _spread(rows, "cpu")
                    for name, rows in samples[key].items()},
            "ratio": _ratios(samples[key], "wall"),
            "cpu_ratio": _ratios(samples[key], "cpu"),
            "lowest_ratio": _lowest(samples[key], "wall"),
        }
    result["goals"] = list(_goals(result))
    return result


def _goals(result):
    works, samples = result["works"], result["samples"]
    for work in works.values():
        if work["goal"]:
            ratio = work["ratio"]["roost"][0]
            yield (work["title"], "%.2f of plain" % ratio,
                   "<= %.2f" % work["goal"], _at_most(ratio, work["goal"]))
    if "login" in samples:
        yield from _other_goals(samples)
    if INPLACE in samples:
        ratio = _ratios(samples[INPLACE], "wall", "doveadm backup")["seal"][0]
        yield ("seal in place", "%.2f of doveadm backup" % ratio,
               "<= %.2f" % SEAL_TO_BACKUP, _at_most(ratio, SEAL_TO_BACKUP))
    if LOGINS in samples:
        more = statistics.median(
            1000 * (row["wall"] - base["wall"]) for row, base in
            zip(samples[LOGINS][logins.CACHED],
                samples[LOGINS][logins.PROVIDER]))
        yield ("login in password mode, cached", "provider mode %+.2f ms" %
               more, "<= %+.1f ms" % CACHED_MORE_MS,
               _at_most(more, CACHED_MORE_MS, "%.2f ms"))


def _other_goals(samples):
    faster = 1 / _ratios(samples["fetch"], "wall", "mail_crypt")["roost"][0]
    yield ("FETCH 1:* BODY.PEEK[]", "%.1f times mail_crypt's speed" % faster,
           ">= %d" % FETCH_FASTER,
           _verdict(faster >= FETCH_FASTER, "%.1f" % (FETCH_FASTER - faster)))
    more = statistics.median(
        1000 * (row["wall"] - base["wall"]) for row, base in
        zip(samples["login"]["roost"], samples["login"]["plain"]))
    yield ("login and SELECT", "plain %+.2f ms" % more,
           "<= %+.1f ms" % LOGIN_MORE_MS,
           _at_most(more, LOGIN_MORE_MS, "%.2f ms"))
    more = statistics.median(row["peak"] - base["peak"] for row, base in
                             zip(samples["memory"]["roost"],
                                 samples["memory"]["plain"]))
    yield ("peak memory of FETCH", "plain %+d KiB" % more,
           "<= %+d KiB" % MEMORY_MORE_KIB,
           _at_most(more, MEMORY_MORE_KIB, "%d KiB"))


def _time(seconds):
    return "%.2f s" % seconds if seconds >= 1 else "%.2f ms" % (1e3 * seconds)


def _cell(spread):
    return "%s (%s..%s)" % tuple(_time(spread[name]) for name in
                                 ("median", "lowest", "highest"))


def _print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width)
                        for cell, width in zip(row, widths)).rstrip())


def _times(result):
    names = ("plain", "mail_crypt", "roost")
    yield ("median (lowest..highest)",) + names
    for work in result["works"].values():
        yield (work["title"],) + tuple(_cell(work["seconds"][name])
                                       if name in work["seconds"] else ""
                                       for name in names)
    if "memory" not in result["samples"]:
        return
    for field in ("peak", "anonymous"):
        yield ("memory after FETCH, %s" % field,) + tuple(
            "%d KiB" % _spread(result["samples"]["memory"][name],
                               field)["median"] for name in names)


def _to_plain(result):
    yield ("ratio to plain", "mail_crypt", "roost", "(lowest..highest)",
           "of lowest times", "mail_crypt, processor", "roost, processor")
    for work in result["works"].values():
        ratio, cpu = ({name: "%.2f" % found[0]
                       for name, found in work[kind].items()}
                      for kind in ("ratio", "cpu_ratio"))
        yield (work["title"], ratio.get("mail_crypt", ""), ratio["roost"],
               "(%.2f..%.2f)" % work["ratio"]["roost"][1:],
               "%.2f" % work["lowest_ratio"]["roost"],
               cpu.get("mail_crypt", ""), cpu.get("roost", ""))


def _inplace(result):
    samples = result["samples"][INPLACE]
    ratios = _ratios(samples, "wall", "doveadm backup")
    yield ("in place, whole mailbox", "median (lowest..highest)", "MB/s",
           "messages/s", "ratio to doveadm backup", "(lowest..highest)")
    for name in INPLACE_NAMES:
        spread = _spread(samples[name], "wall")
        yield (name, _cell(spread),
               "%.1f" % (result["bytes"] / 1e6 / spread["median"]),
               "%.0f" % (result["messages"] / spread["median"]),
               "%.2f" % ratios[name][0], "(%.2f..%.2f)" % ratios[name][1:])


def _logins(result):
    samples = result["samples"][LOGINS]
    yield ("login and first message", "median (lowest..highest)",
           "processor time", "more than in provider mode")
    for name in logins.NAMES:
        rows = samples[name]
        more = statistics.median(
            row["wall"] - base["wall"] for row, base in
            zip(rows, samples[logins.PROVIDER]))
        yield (name, _cell(_spread(rows, "wall")),
               _time(_spread(rows, "cpu")["median"]),
               "%+.2f ms" % (1000 * more))


def write(result, folder):
    """Prints the tables; writes bench.json and bench.svg into the folder."""
    summarize(result)
    title = "Dovecot %s, %s, %d messages, %.0f MB, seed %d, %s" % (
        result["dovecot"], result["storage"], result["messages"],
        result["bytes"] / 1e6, result["seed"], result["machine"])
    print("\n" + title)
    print("lively mailbox: %d messages, %.0f MB; load average %s\n" % (
        result["box"], result["box_bytes"] / 1e6, " then ".join(
            "%.2f" % load[0] for load in result["load"])))
    if result["works"]:
        _print_table(list(_times(result)))
        print()
        _print_table(list(_to_plain(result)))
        print()
    if INPLACE in result["samples"]:
        _print_table(list(_inplace(result)))
        print()
    if LOGINS in result["samples"]:
        _print_table(list(_logins(result)))
        print()
    _print_table([("goal", "measured", "wanted", "")] + result["goals"])
    print()
    os.makedirs(folder, exist_ok=True)
    files = {"bench.json": json.dumps(result, indent=1) + "\n"}
    if result["works"]:
        files["bench.svg"] = chart.draw(title, result["works"])
    for name, text in files.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(text)
        print("wrote " + path)
