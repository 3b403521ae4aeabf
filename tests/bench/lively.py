# SPDX-License-Identifier: MIT
"""lively: messages as people have them, to measure lists and searches on.

They have threads, folded and encoded headers, signatures and several
recipients; most are plain text, some have an HTML version, some an attachment.
The same seed makes the same bytes.
"""

import base64
import email.utils
import random

import messages

PEOPLE = 400
START = 1700000000
NAMES = ("Mara Lind", "Jose Pena", "=?utf-8?B?WsO8cmljaCBPZmZpY2U=?=",
         "\"Novak, Petr\"", "=?utf-8?Q?Ren=C3=A9e_B=C3=A9?=", "A. Okafor")
TEXT, ATTACHED = 6000, 150000


def _person(rand):
    number = rand.randrange(PEOPLE)
    return "%s <person%d@site%d.example>" % (NAMES[number % len(NAMES)],
                                             number, number % 37)


class Thread:
    def __init__(self, rand):
        self.ids = []
        syllables = messages.SYLLABLES
        words = ["".join(rand.choices(syllables, k=rand.randint(2, 4)))
                 for _ in range(rand.randint(2, 8))]
        self.subject = " ".join(words).capitalize()
        if rand.random() < 0.15:
            coded = base64.b64encode((self.subject[:30] + " \xfc").encode())
            self.subject = "=?utf-8?B?%s?=" % coded.decode()

    def lines(self, message_id):
        """The lines of Subject and of what joins a message to its thread."""
        found = ["Message-ID: " + message_id]
        if self.ids:
            found += ["Subject: Re: " + self.subject,
                      "In-Reply-To: " + self.ids[-1],
                      "References: " + "\r\n\t".join(self.ids[-12:])]
        else:
            found.append("Subject: " + self.subject)
        self.ids.append(message_id)
        return found


def _trace(rand, date):
    """The lines that servers on the way have added."""
    coded = base64.b64encode(bytes(rand.choices(range(256), k=256))).decode()
    lines = ["Received: from out%d.example.org (out%d.example.org "
             "[192.0.2.%d])\r\n\tby mx%d.example.com (Postfix) with ESMTPS "
             "id %08X\r\n\tfor <user@example.com>; %s"
             % (hop, hop, rand.randint(1, 254), hop, rand.getrandbits(32),
                date) for hop in range(3)]
    return lines + ["DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
                    "d=example.org;\r\n\ts=mail; h=from:to:subject:date;"
                    "\r\n\tb=" + "\r\n\t ".join(
                        coded[at:at + 70] for at in range(0, len(coded), 70))]


def _header(rand, number, thread):
    date = email.utils.formatdate(START + 600 * number +
                                  rand.randint(-3000, 3000))
    lines = _trace(rand, date)
    lines += ["From: " + _person(rand), "Date: " + date,
              "To: User <user@example.com>, " + _person(rand)]
    lines += thread.lines("<%d.%08x@example.org>"
                          % (number, rand.getrandbits(32)))
    if rand.random() < 0.3:
        lines.append("Cc: " + ",\r\n\t".join(
            _person(rand) for _ in range(rand.randint(1, 6))))
    if rand.random() < 0.25:
        lines.append("List-Id: <list%d.example.org>" % (number % 11))
    return lines + ["X-Mailer: Measured 1.0", "MIME-Version: 1.0"]


def _part(kind, text, extra=()):
    lines = ["Content-Type: " + kind, *extra, "", ""]
    return "\r\n".join(lines).encode() + text


def _multipart(kind, mark, parts):
    bound = b"\r\n--" + mark.encode()
    body = b"".join(bound + b"\r\n" + part for part in parts)
    return _part("multipart/%s; boundary=\"%s\"" % (kind, mark),
                 body[2:] + bound + b"--\r\n")


def _body(rand, number, pools):
    text = _part("text/plain; charset=utf-8", messages.take(
        rand, pools[0], int(TEXT * rand.lognormvariate(0, 0.6))))
    kind = rand.random()
    if kind < 0.4:
        html = _part("text/html; charset=utf-8", b"<html><body><p>" +
                     text.split(b"\r\n\r\n", 1)[1] + b"</p></body></html>")
        text = _multipart("alternative", "=_alt_%d" % number, [text, html])
    if kind < 0.1:
        data = messages.take(rand, pools[1], int(
            ATTACHED * rand.lognormvariate(0, 0.6)))
        text = _multipart("mixed", "=_mixed_%d" % number, [text, _part(
            "application/pdf; name=\"paper %d.pdf\"" % number, data,
            ("Content-Transfer-Encoding: base64",
             "Content-Disposition: attachment"))])
    return text


def make(count, seed):
    """Yields so many messages, with CRLF lines."""
    rand = random.Random(seed)
    pools = messages.text_pool(rand), messages.base64_pool(rand)
    threads = []
    for number in range(count):
        if not threads or rand.random() < 0.5:
            threads.append(Thread(rand))
        header = _header(rand, number, rand.choice(threads[-50:]))
        yield "\r\n".join(header).encode() + b"\r\n" + \
            _body(rand, number, pools)
