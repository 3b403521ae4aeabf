# SPDX-License-Identifier: MIT
"""readme: the commands that README.md asks an operator to type."""

import os
import re
import shlex

import server as servers


def readme_commands(heading, word, comments=True):
    """Returns the commands of the only block below a heading of README.md that
    has the word, each as a list of arguments, without comments."""
    with open(os.path.join(servers.TOP, "README.md")) as file:
        section = file.read().split("\n## " + heading + "\n")[1]
    blocks = re.findall(r"(?m)(?:^    .*\n)+", section.split("\n## ")[0])
    found = [block for block in blocks if word in block]
    assert len(found) == 1, found
    return [shlex.split(line, comments=comments)
            for line in found[0].splitlines()]
