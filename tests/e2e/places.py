# SPDX-License-Identifier: MIT
"""places: reads all messages of a mailbox, and names other places of mail."""

import server as servers


def bodies(server, user, mailbox="INBOX"):
    """Returns the messages of a mailbox as IMAP shows them."""
    with server.raw(user) as client:
        client.ok('SELECT "%s"' % mailbox)
        return [client.fetch(number, "BODY.PEEK[]") for number
                in range(1, client.count(mailbox) + 1)]


def location(kind, path):
    """Returns a place of mail as doveadm's arguments name it."""
    return "%s:%s" % (kind, path)


def at_location(kind, path):
    """Returns the arguments with which doveadm opens another place as the
    user's mail."""
    if servers.NEW:
        return ["-o", "mail_driver=" + kind, "-o", "mail_path=" + path]
    return ["-o", "mail_location=" + location(kind, path)]
