#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""texts: checks that the texts and tests that the lists of mutants name exist.

Prints a line for each entry of core.py and plugin.py whose text does not occur
in its file as often as it must, or whose test does not exist, and for each
condition that draw.py takes for equivalent and that does not exist. Such an
entry must be changed together with the code.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import core  # noqa: E402
import draw  # noqa: E402
import plugin  # noqa: E402


def entries():
    """Yields (title, file below plugin, old text, new text, file below tests)
    for each entry and each of its tests."""
    for name, (tests, mutants) in core.FILES.items():
        for what, old, new, *_ in mutants:
            for test in tests.split():
                yield (f"{name}: {what}", name, old, new,
                       f"core/test_{test}.c")
    for title, name, old, new, tests, _ in plugin.MUTANTS:
        is_program = tests.startswith(("glue/", "core/"))
        yield (title, name, old, new,
               f"{tests}.c" if is_program else f"e2e/test_{tests}.py")


def main():
    wrong = set()
    for title, name, old, new, test in entries():
        path = os.path.join(TOP, "plugin", name)
        if not os.path.exists(path):
            wrong.add(f"{title}: there is no plugin/{name}")
            continue
        if not os.path.exists(os.path.join(TOP, "tests", test)):
            wrong.add(f"{title}: there is no tests/{test}")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            core.changed(title, text, old, new)
        except ValueError as error:
            wrong.add(str(error))
    standing = {(condition.name, condition.text)
                for condition in draw.every_condition()}
    for name, text, _ in draw.EQUIVALENT:
        if (name, text) not in standing:
            wrong.add(f"draw.py: {name} has no condition: {text}")
    print("".join(f"{line}\n" for line in sorted(wrong)), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
