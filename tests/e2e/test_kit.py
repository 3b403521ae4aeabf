# SPDX-License-Identifier: MIT
"""The kit itself: what would make a test fail by chance, or leave something
behind."""

import datetime
import os

from imapclient import Answer
from test_roundtrip import comparable


def answer(date):
    """Of a server whose clock says so."""
    text = date.strftime("%d-%b-%Y %H:%M:%S %z").encode()
    error = b"Internal error occurred. Refer to server log for more " \
        b"information. [%s]\r\n" % date.strftime("%F %T").encode()
    return Answer([b'* 1 FETCH (INTERNALDATE "%s" RFC822.SIZE 7)\r\n' % text,
                   b'* 2 FETCH (BODY[] {40}\r\nINTERNALDATE "whatever it '
                   b'is"        \r\n)\r\n', b"* BYE " + error],
                  b"a1 NO [SERVERBUG] " + error)


def test_the_clock_of_a_server_is_not_compared():
    now = datetime.datetime.now(datetime.timezone.utc)
    later = now + datetime.timedelta(seconds=2)
    old = datetime.datetime(2020, 1, 2, 3, 4, 5, 0, datetime.timezone.utc)
    older = old - datetime.timedelta(seconds=1)
    assert comparable(answer(now)) == comparable(answer(later))
    assert comparable(answer(old)) != comparable(answer(older))
    assert comparable(answer(old)) != comparable(answer(now))
    assert b"information.\r\n" in comparable(answer(now))[0][2]


def test_temporary_files_go_with_the_run(tmp_path):
    assert str(tmp_path).startswith(os.environ["ROOST_E2E_TMP"] + "/")
