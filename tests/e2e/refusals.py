# SPDX-License-Identifier: MIT
"""refusals: asserts that no session begins, and that the log says why in one
line."""

import poplib
import re

import pytest

from imapclient import Closed


def problems(server, mark):
    """Returns the errors and warnings that were logged after a mark."""
    return [line for line in server.log_since(mark).splitlines()
            if re.search(r"(Error|Warning|Fatal|Panic): ", line)]


def assert_one_line(server, mark, pattern):
    """Asserts that exactly one error or warning was logged after a mark, and
    that it matches."""
    lines = problems(server, mark)
    assert len(lines) == 1 and re.search(pattern, lines[0]), lines


def assert_session_refused(server, user, pattern):
    """Asserts that neither an IMAP nor a POP3 session of the user begins, and
    that the log says why."""
    mark = server.log_mark()
    with pytest.raises((Closed, OSError)):
        server.raw(user).ok("SELECT INBOX")
    assert_one_line(server, mark, pattern)
    mark = server.log_mark()
    with pytest.raises((poplib.error_proto, EOFError, OSError)):
        server.pop3(user).stat()
    server.wait_log(pattern, mark)
