# SPDX-License-Identifier: MIT
"""summary: from a run's samples, what its rows and goals say."""

import statistics

import figures
import flagbox
import inplace
import logins
import mailbox
import mails
import rows
import sessions
import writing

FETCH_FASTER = 12
LOGIN_MORE_MS = 1.0
WAITING_MORE_KIB = 150
BODIES_MORE_KIB = 1024
# 10 000 sessions, whose KiB are taken for 1 000 bytes each.
SESSIONS, SESSIONS_GB = 10000, 6.5


def every_row(sizes):
    """All rows of timed works, in the order of the report."""
    yield from writing.ROWS
    yield from mails.ROWS
    for size in sizes:
        yield from mailbox.made_rows(size)
    for size in sizes:
        yield from flagbox.made_rows(size)
    yield from flagbox.ROWS
    yield sessions.LOGIN


def _ratios(samples, field):
    """{system: spread of its rounds' ratios to plain}."""
    found = {name: figures.ratios(some, samples["plain"], field)
             for name, some in samples.items()}
    return {name: figures.spread(values)
            for name, values in found.items() if values}


def _spreads(samples, field):
    return {name: figures.spread(figures.column(some, field))
            for name, some in samples.items()}


def _timed(row, samples):
    seconds = _spreads(samples, "wall")
    return {
        "title": row.title, "goal": row.goal, "is_below": row.is_below,
        "seconds": seconds, "cpu": _spreads(samples, "cpu"),
        "ratio": _ratios(samples, "wall"),
        "cpu_ratio": _ratios(samples, "cpu"),
        # The lowest is what other work has disturbed least.
        "lowest_ratio": {name: spread["lowest"] / seconds["plain"]["lowest"]
                         for name, spread in seconds.items()},
    }


def summarize(result):
    """Adds "works", "memory" and "goals" to a result."""
    samples = result["samples"]
    found = [row for row in every_row(result["box"]) if row.key in samples]
    result["works"] = {row.key: _timed(row, samples[row.key])
                       for row in found}
    result["memory"] = {
        key: dict({field: _spreads(samples[key], field)
                   for field in ("private", "pss")}, title=title)
        for key, title in sessions.MEMORY.items() if key in samples}
    result["goals"] = [_ratio_goal(row, result["works"][row.key])
                       for row in found if row.goal]
    result["goals"] += [goal for goal in _other_goals(samples) if goal]
    return result


# Goals

def _goal(title, wanted, values, form, is_met, missed_by):
    """A goal and how far each system has come: {system: (measured,
    verdict)}."""
    return {"title": title, "wanted": wanted, "measured": {
        name: (form % value, "met" if is_met(value) else
               "missed by " + missed_by(value))
        for name, value in values.items()}}


def _at_most(title, limit, values, form, wanted="<= "):
    return _goal(title, wanted + form % limit, values, form,
                 lambda value: value <= limit,
                 lambda value: _short(form % (value - limit)))


def _short(text):
    """A difference without its sign, which "missed by" says."""
    return text.lstrip("+")


def _ratio_goal(row, work):
    values = {name: work["ratio"][name]["median"] for name in row.judged
              if name in work["ratio"]}
    if not row.is_below:
        return _at_most(row.title, row.goal, values, "%.2f")
    return _goal(row.title, "< %.2f" % row.goal, values, "%.2f",
                 lambda value: value < row.goal,
                 lambda value: "%.2f" % (value - row.goal))


def _more(samples, field, base="plain"):
    """{mode: the median of how much more it needs than the base}."""
    return {mode: statistics.median(figures.differences(
        samples[mode], samples[base], field)) for mode in rows.MODES}


def _more_kib(title, samples, limit):
    return _at_most(title, limit, _more(samples, "private"), "%+.0f KiB",
                    "<= plain ")


def _other_goals(samples):
    if "fetch" in samples:
        yield _fetch_goal(samples["fetch"])
    if "login" in samples:
        more = _more(samples["login"], "wall")
        yield _at_most("login and SELECT, more than plain", LOGIN_MORE_MS,
                       {name: 1000 * value for name, value in more.items()},
                       "%+.2f ms")
    for key, limit in (("memory-select", WAITING_MORE_KIB),
                       ("memory-bodies", BODIES_MORE_KIB),
                       ("memory-waiting", WAITING_MORE_KIB)):
        if key in samples:
            yield _more_kib("private memory: " + sessions.MEMORY[key],
                            samples[key], limit)
    if "memory-waiting" in samples:
        yield _sessions_goal(samples["memory-waiting"])
    if inplace.WORK in samples:
        yield _seal_goal(samples[inplace.WORK])
    if logins.WORK in samples:
        yield _cached_goal(samples[logins.WORK])


def _fetch_goal(samples):
    faster = {name: statistics.median(figures.ratios(
        samples["mail_crypt"], samples[name], "wall"))
        for name in rows.MODES}
    return _goal("FETCH 1:* BODY.PEEK[], times mail_crypt's speed",
                 ">= %d" % FETCH_FASTER, faster, "%.1f",
                 lambda value: value >= FETCH_FASTER,
                 lambda value: "%.1f" % (FETCH_FASTER - value))


def _sessions_goal(samples):
    return _at_most(
        "private memory of %s sessions (GB of 1 000 000 KiB)" %
        rows.amount(SESSIONS), SESSIONS_GB,
        {name: SESSIONS / 1e6 * statistics.median(figures.column(
            samples[name], "private")) for name in rows.MODES}, "%.2f GB")


def _seal_goal(samples):
    base = samples[inplace.BASE]
    return _at_most(
        "seal in place, to doveadm backup", inplace.SEAL_TO_BACKUP,
        {mode: statistics.median(figures.ratios(
            samples["seal" + suffix], base, "wall"))
         for mode, suffix in zip(rows.MODES, inplace.USERS.values())},
        "%.2f")


def _cached_goal(samples):
    more = statistics.median(figures.differences(
        samples[logins.CACHED], samples[logins.PROVIDER], "wall"))
    return _at_most("login from the unlock cache, more than in provider mode",
                    logins.CACHED_MORE_MS, {"password": 1000 * more},
                    "%+.2f ms")
