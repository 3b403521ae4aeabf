# SPDX-License-Identifier: MIT
"""virtualbox: a namespace of virtual mailboxes, which show messages of others
(Dovecot's plugin virtual)."""

import os

from server import NEW

SETTINGS = """
namespace virtual {
  prefix = virtual/
  separator = /
  %s
}
""" % ("mail_driver = virtual\n  mail_path = ~/virtual" if NEW else
       "location = virtual:~/virtual")


def add(server, user, name, *rules):
    """Makes a virtual mailbox before the server starts; `rules` are the lines
    of its definition. Returns the folder of its index."""
    folder = os.path.join(server.home(user), "virtual", name)
    os.makedirs(folder)
    server.write(os.path.join(folder, "dovecot-virtual"),
                 "".join(line + "\n" for line in rules))
    server.own(server.home(user))
    return folder
