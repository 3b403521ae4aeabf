# SPDX-License-Identifier: MIT
"""readme: the commands that README.md tells an operator to give."""

import os
import re
import shlex

import server as servers


def readme_commands(heading, word, comments=True):
    """The commands of the block of README that has the word, below a
    heading, each as a list of arguments; comments are left out."""
    with open(os.path.join(servers.TOP, "README.md")) as file:
        section = file.read().split("\n## " + heading + "\n")[1]
    blocks = re.findall(r"(?m)(?:^    .*\n)+", section.split("\n## ")[0])
    found = [block for block in blocks if word in block]
    assert len(found) == 1, found
    return [shlex.split(line, comments=comments)
            for line in found[0].splitlines()]
