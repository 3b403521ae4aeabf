# SPDX-License-Identifier: MIT
"""places: what is in a mailbox, and opening another place as a user's mail."""

import server as servers


def bodies(server, user, mailbox="INBOX"):
    """The messages of a mailbox as IMAP gives them."""
    with server.raw(user) as client:
        client.ok('SELECT "%s"' % mailbox)
        return [client.fetch(number, "BODY.PEEK[]") for number
                in range(1, client.count(mailbox) + 1)]


def location(kind, path):
    return "%s:%s" % (kind, path)


def at_location(kind, path):
    """doveadm's -o that open another place as the user's mail."""
    if servers.NEW:
        return ["-o", "mail_driver=" + kind, "-o", "mail_path=" + path]
    return ["-o", "mail_location=" + location(kind, path)]
