# SPDX-License-Identifier: MIT
"""refusals: that a session does not begin, and that one line of the log says
why."""

import poplib
import re

import pytest

from imapclient import Closed


def problems(server, mark):
    return [line for line in server.log_since(mark).splitlines()
            if re.search(r"(Error|Warning|Fatal|Panic): ", line)]


def assert_one_line(server, mark, pattern):
    """Exactly one line of complaint, and it matches."""
    lines = problems(server, mark)
    assert len(lines) == 1 and re.search(pattern, lines[0]), lines


def assert_session_refused(server, user, pattern):
    """No IMAP and no POP3 session begins."""
    mark = server.log_mark()
    with pytest.raises((Closed, OSError)):
        server.raw(user).ok("SELECT INBOX")
    assert_one_line(server, mark, pattern)
    mark = server.log_mark()
    with pytest.raises((poplib.error_proto, EOFError, OSError)):
        server.pop3(user).stat()
    server.wait_log(pattern, mark)
