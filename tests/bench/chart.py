# SPDX-License-Identifier: MIT
"""chart: the ratios to plain Dovecot as one SVG picture."""

import math
from xml.sax.saxutils import escape

import rows

WIDTH, LEFT, RIGHT = 1000, 360, 70
TOP, BAR, GAP = 104, 11, 16
COLORS = {"mail_crypt": "#b9b9b9", "flags": "#7a9e7e", "roost": "#2a6f97",
          "password": "#61a5c2"}
TICKS = (0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 50, 100)


class _Scale:
    """A logarithmic axis of ratios."""

    def __init__(self, works):
        highest = max(ratio["median"] for work in works.values()
                      for ratio in work["ratio"].values())
        self.low = 0.5
        self.high = next((tick for tick in TICKS if tick > highest * 1.1),
                         2 * highest)

    def x(self, ratio):
        ratio = min(max(ratio, self.low), self.high)
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def _text(x, y, text, extra=""):
    return '<text x="%.1f" y="%.1f" %s>%s</text>' % (x, y, extra,
                                                    escape(text))


def _axis(scale, bottom):
    for tick in TICKS:
        if tick > scale.high:
            break
        x = scale.x(tick)
        yield ('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>'
               % (x, TOP - 8, x, bottom,
                  "#333" if tick == 1 else "#e4e4e4"))
        yield _text(x, TOP - 14, "%g" % tick, 'text-anchor="middle"')


def _drawn(work):
    """The systems of a work that have bars."""
    return [name for name in COLORS if name in work["ratio"]]


def _height(work):
    return len(_drawn(work)) * (BAR + 2) + GAP


def _bars(scale, works):
    y = TOP
    for work in works.values():
        yield _text(LEFT - 10, y + BAR - 1, work["title"],
                    'text-anchor="end"')
        for index, name in enumerate(_drawn(work)):
            ratio = work["ratio"][name]["median"]
            start, end = sorted((scale.x(1), scale.x(ratio)))
            top = y + index * (BAR + 2)
            yield ('<rect x="%.1f" y="%d" width="%.1f" height="%d" '
                   'fill="%s"/>' % (start, top, max(end - start, 1), BAR,
                                    COLORS[name]))
            yield _text(end + 5, top + BAR - 2, "%.2f" % ratio)
        if work["goal"]:
            x = scale.x(work["goal"])
            yield ('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" '
                   'stroke="#c1121f" stroke-width="2"/>'
                   % (x, y - 2, x, y + _height(work) - GAP))
        y += _height(work)


def draw(title, works):
    bottom = TOP + sum(map(_height, works.values())) - 8
    scale = _Scale(works)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!-- SPDX-License-Identifier: MIT -->',
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'font-family="sans-serif" font-size="12">' % (WIDTH, bottom + 20),
        '<rect width="100%" height="100%" fill="white"/>',
        _text(14, 22, title, 'font-size="14"'),
        _text(14, 42, "Time as a ratio to plain Dovecot (1), logarithmic; "
              "a red mark is the goal"),
    ]
    for index, (name, color) in enumerate(COLORS.items()):
        x = 14 + 190 * index
        lines.append('<rect x="%d" y="50" width="12" height="12" '
                     'fill="%s"/>' % (x, color))
        lines.append(_text(x + 17, 60, rows.TITLES[name]))
    lines += _axis(scale, bottom)
    lines += _bars(scale, works)
    return "\n".join(lines + ["</svg>", ""])
