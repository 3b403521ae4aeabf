# SPDX-License-Identifier: MIT
"""report: a run's tables in print, as JSON and as a chart."""

import json
import os
import statistics

import against
import chart
import figures
import inplace
import logins
import page
import rows
import summary


def time(seconds):
    return "%.2f s" % seconds if seconds >= 1 else "%.2f ms" % (1e3 * seconds)


def cell(spread, form=time):
    return "%s (%s..%s)" % tuple(form(spread[name]) for name in
                                 ("median", "lowest", "highest"))


def ratio(value):
    return "%.2f" % value


def kib(value):
    return "%.0f KiB" % value


def _cells(found, names, form):
    """The cells of a row: of systems that were not measured, empty ones."""
    return tuple(form(found[name]) if name in found else ""
                 for name in names)


def systems_of(works):
    """The systems that one of these works was measured for, in order."""
    works = list(works)
    every = ("plain", "mail_crypt", "flags") + rows.MODES
    return [name for name in every
            if any(name in work for work in works)]


def headings(names):
    return tuple(rows.TITLES[name] for name in names)


# Tables: the first row of each is its heading.

def times(result):
    names = systems_of(work["seconds"] for work in result["works"].values())
    yield ("median (lowest..highest)",) + headings(names)
    for work in result["works"].values():
        yield (work["title"],) + _cells(work["seconds"], names, cell)


def to_plain(result):
    names = systems_of(work["ratio"] for work in result["works"].values())
    yield ("ratio to plain (lowest..highest)", "plain's median") + \
        headings(names[1:])
    for work in result["works"].values():
        yield (work["title"], time(work["seconds"]["plain"]["median"])) + \
            _cells(work["ratio"], names[1:],
                   lambda spread: cell(spread, ratio))


def lowest_and_cpu(result):
    """The ratios that other work on the machine disturbs least."""
    names = systems_of(work["ratio"] for work in result["works"].values())[1:]
    yield ("ratio to plain",) + tuple(
        "%s, %s" % (rows.TITLES[name], what) for name in names
        for what in ("lowest", "processor"))
    for work in result["works"].values():
        cells = [_cells(work["lowest_ratio"], (name,), ratio) + _cells(
            work["cpu_ratio"], (name,), lambda spread:
            ratio(spread["median"])) for name in names]
        yield (work["title"],) + sum(cells, ())


def cpu_of_login(result):
    spreads = result["works"]["login"]["cpu"]
    yield ("processor time (lowest..highest)",) + headings(rows.SYSTEMS)
    yield ("login and SELECT",) + _cells(spreads, rows.SYSTEMS, cell)


def memory(result):
    yield ("memory (lowest..highest)",) + headings(rows.SYSTEMS)
    for work in result["memory"].values():
        for field, title in (("private", "Private_Dirty"), ("pss", "Pss")):
            yield ("%s, %s" % (work["title"], title),) + _cells(
                work[field], rows.SYSTEMS, lambda spread: cell(spread, kib))
    if "memory-waiting" in result["memory"]:
        count = result["sizes"]["waiting"]
        for field, title in (("private", "Private_Dirty"), ("pss", "Pss")):
            yield ("all %s that wait, %s" % (rows.amount(count), title),) + \
                _cells(result["memory"]["memory-waiting"][field],
                       rows.SYSTEMS, lambda spread: "%.0f MiB" % (
                           count * spread["median"] / 1024))


def in_place(result):
    samples, sizes = result["samples"][inplace.WORK], result["sizes"]
    yield ("in place, whole mailbox", "median (lowest..highest)", "MB/s",
           "messages/s", "ratio to doveadm backup (lowest..highest)")
    for name in inplace.NAMES:
        spread = figures.spread(figures.column(samples[name], "wall"))
        yield (name, cell(spread),
               "%.1f" % (sizes["bytes"] / 1e6 / spread["median"]),
               "%.0f" % (sizes["messages"] / spread["median"]),
               cell(figures.spread(figures.ratios(
                   samples[name], samples[inplace.BASE], "wall")), ratio))


def of_logins(result):
    samples = result["samples"][logins.WORK]
    yield ("login and first message", "median (lowest..highest)",
           "processor time", "more than in provider mode")
    for name in logins.NAMES:
        more = statistics.median(figures.differences(
            samples[name], samples[logins.PROVIDER], "wall"))
        yield (name,
               cell(figures.spread(figures.column(samples[name], "wall"))),
               time(statistics.median(figures.column(samples[name], "cpu"))),
               "%+.2f ms" % (1000 * more))


def goals(result):
    names = systems_of(goal["measured"] for goal in result["goals"])
    yield ("goal", "wanted") + headings(names)
    for goal in result["goals"]:
        yield (goal["title"], goal["wanted"]) + _cells(
            goal["measured"], names, ", ".join)


def tables(result, is_page=False):
    """Yields each table of a summarized result as a list of rows. The page
    does not have the times of each system."""
    for table, is_there in (
            (times, result["works"] and not is_page),
            (to_plain, result["works"]),
            (lowest_and_cpu, result["works"]),
            (cpu_of_login, "login" in result["works"]),
            (memory, result["memory"]),
            (in_place, inplace.WORK in result["samples"]),
            (of_logins, logins.WORK in result["samples"]),
            (goals, result["goals"])):
        if is_there:
            yield list(table(result))


def title(result):
    return "Dovecot %s, %s on %s, %s" % (
        result["dovecot"], result["storage"], result["disk"],
        result["machine"])


def subtitle(result):
    sizes = result["sizes"]
    return ("%s, commit %s; %s messages of %.0f MB; lively mailboxes of %s; "
            "seed %d; rounds: %s; load average %s" % (
                result["date"], result["commit"],
                rows.amount(sizes["messages"]), sizes["bytes"] / 1e6,
                " and ".join(map(rows.amount, result["box"])), sizes["seed"],
                ", ".join("%s %d" % item
                          for item in result["rounds"].items()),
                " then ".join("%.2f" % load[0] for load in result["load"])))


def print_table(table):
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        print("  ".join(text.ljust(width)
                        for text, width in zip(row, widths)).rstrip())
    print()


def write(result, folder, earlier=None):
    """Prints the tables; writes bench.json, bench.svg and, for tests/BENCH.md,
    bench.md into the folder."""
    summary.summarize(result)
    print("\n%s\n%s\n" % (title(result), subtitle(result)))
    for table in tables(result):
        print_table(table)
    for note in result["notes"]:
        print(note + "\n")
    if earlier:
        result["against"] = against.compare(earlier, result)
        print("\n".join(result["against"]) + "\n")
    files = {"bench.json": json.dumps(result, indent=1) + "\n",
             "bench.md": page.section(title(result), subtitle(result),
                                      tables(result, True), result["notes"])}
    if result["works"]:
        files["bench.svg"] = chart.draw(title(result), result["works"])
    os.makedirs(folder, exist_ok=True)
    for name, text in files.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(text)
        print("wrote " + path)
