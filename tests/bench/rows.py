# SPDX-License-Identifier: MIT
"""rows: what a row of the report is, and which systems stand side by side.

`roost` is Roost in provider mode, and `password` is Roost in password mode
with a session that has its secret. `flags` is `roost_flags` without Roost.
"""

import collections

MODES = ("roost", "password")
SYSTEMS = ("plain", "mail_crypt") + MODES
WITHOUT_CRYPT = ("plain",) + MODES
WITH_RULES = ("plain", "flags") + MODES
TITLES = {"plain": "plain", "mail_crypt": "mail_crypt",
          "flags": "roost_flags alone", "roost": "Roost, provider mode",
          "password": "Roost, password mode"}

# A work that is timed. The goal is the highest wall time as a ratio to plain
# that the judged systems may have; with is_below they must stay below it.
Row = collections.namedtuple("Row", "key title goal judged is_below",
                             defaults=(None, MODES, False))


def amount(number):
    """A number with its thousands apart: 20 000."""
    return "{:,}".format(number).replace(",", " ")


def sized(key, size):
    """The key of a work on a mailbox of this size."""
    return "%s-%d" % (key, size)
