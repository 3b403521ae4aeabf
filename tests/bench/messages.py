# SPDX-License-Identifier: MIT
"""messages: the messages that every system is measured on.

Their sizes are lognormal around 12 KB, each tenth carries a large attachment,
and all together have the size that was asked for. The same seed makes the same
bytes.
"""

import base64
import itertools
import math
import random

TEXT_MEDIAN, TEXT_SIGMA = 12000, 0.6
LARGE_EVERY, LARGE_SIGMA = 10, 0.6
POOL = 1 << 20
# A word that no message has.
ABSENT = "qzjxkvqzjx"

SYLLABLES = ("ba be bi do du fa fe ga go ha he hi ka ke la le lo ma me mi "
              "na ne no pa pe ra re ri ro sa se so ta te ti to va ve vi wa"
              ).split()


def text_pool(rand):
    words = ["".join(rand.choices(SYLLABLES, k=rand.randint(1, 4)))
             for _ in range(3000)]
    lines, size = [], 0
    while size < POOL:
        line = " ".join(rand.choices(words, k=11)) + "\r\n"
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()


def base64_pool(rand):
    data = rand.getrandbits(8 * 57 * (POOL // 78)).to_bytes(
        57 * (POOL // 78), "little")
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def take(rand, pool, size):
    """About so many bytes of the pool, in whole lines."""
    out = []
    while size > 0:
        start = pool.index(b"\n", rand.randrange(len(pool) * 3 // 4)) + 1
        end = pool.index(b"\n", min(start + size, len(pool)) - 1) + 1
        out.append(pool[start:end])
        size -= end - start
    return b"".join(out)


def _header(number, extra):
    return ("Return-Path: <sender%(n)d@example.org>\r\n"
            "Received: from mail.example.org by mx.example.com with ESMTP "
            "id %(n)08x\r\n\tfor <user@example.com>; "
            "Mon, 1 Jun 2026 12:00:00 +0000\r\n"
            "From: Sender %(n)d <sender%(n)d@example.org>\r\n"
            "To: User <user@example.com>\r\n"
            "Subject: Message number %(n)d of the measured mailbox\r\n"
            "Date: Mon, 1 Jun 2026 12:00:00 +0000\r\n"
            "Message-ID: <%(n)d.bench@example.org>\r\n"
            "MIME-Version: 1.0\r\n%(extra)s\r\n"
            % {"n": number, "extra": extra}).encode()


def _plain(rand, pools, number, size):
    return _header(number, "Content-Type: text/plain; charset=us-ascii\r\n") \
        + take(rand, pools[0], size)


def _large(rand, pools, number, size, attached):
    mark = "=_bench_%d" % number
    return b"".join((
        _header(number, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n"
                % mark),
        ("--%s\r\nContent-Type: text/plain\r\n\r\n" % mark).encode(),
        take(rand, pools[0], size),
        ("\r\n--%s\r\nContent-Type: application/octet-stream\r\n"
         "Content-Transfer-Encoding: base64\r\n"
         "Content-Disposition: attachment; filename=\"data.bin\"\r\n\r\n"
         % mark).encode(),
        take(rand, pools[1], attached),
        ("\r\n--%s--\r\n" % mark).encode()))


def make(count, total, seed):
    """So many messages, with CRLF lines, together of about total bytes."""
    rand = random.Random(seed)
    pools = text_pool(rand), base64_pool(rand)
    sizes = [int(rand.lognormvariate(math.log(TEXT_MEDIAN), TEXT_SIGMA))
             for _ in range(count)]
    large = [rand.lognormvariate(0, LARGE_SIGMA)
             for _ in range(0, count, LARGE_EVERY)]
    scale = max(total - sum(sizes), 0) / sum(large)
    made = []
    for number, size in enumerate(sizes):
        if number % LARGE_EVERY:
            made.append(_plain(rand, pools, number, size))
        else:
            made.append(_large(rand, pools, number, size, int(
                large[number // LARGE_EVERY] * scale)))
    return made


def make_one(size, seed):
    """One message of at least so many bytes, most of them an attachment's."""
    rand = random.Random(seed)
    pools = text_pool(rand), base64_pool(rand)
    return _large(rand, pools, 0, 2000, size)


def in_groups(mails, count):
    """The messages of an iterator in lists of so many."""
    while True:
        some = list(itertools.islice(mails, count))
        if not some:
            return
        yield some
