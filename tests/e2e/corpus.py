# SPDX-License-Identifier: MIT
"""corpus: odd messages as the real world sends them, made from a seed.

messages(seed) returns the same list for the same seed on every machine. Each
message is a Message: its name, its bytes as a client sends them, and the words
in it that must not be found on a disk where it is sealed.
"""

import base64
import binascii
import collections
import hashlib
import os
import quopri
import random

SEED = int(os.environ.get("ROOST_E2E_SEED", "2718281828"))

MAGIC = bytes.fromhex("8E5253540D0A1A0A")

Message = collections.namedtuple("Message", "name data words")

WORDS = ("anvil barley candle driftwood ember falcon granite harbour indigo "
         "juniper kettle lantern meadow nettle orchard pebble quarry ribbon "
         "saffron thistle umber velvet willow yarrow zephyr").split()


def word(name):
    """Returns the word that only the message of this name contains."""
    return "canary" + hashlib.sha256(b"%d %s" % (SEED, name.encode())) \
        .hexdigest()[:14]


class Maker:
    """Collects messages. Each has its own source of random numbers, so that a
    new message changes no other."""

    def __init__(self, seed):
        self.seed = seed
        self.found = []

    def random(self, name):
        return random.Random("%d %s" % (self.seed, name))

    def add(self, name, data, *words):
        """Adds a message. Its own word is one of its words if it contains
        it."""
        assert name not in (message.name for message in self.found), name
        if isinstance(data, str):
            data = data.encode("utf-8")
        canary = word(name).encode()
        wanted = [w if isinstance(w, bytes) else w.encode() for w in words]
        if canary in data:
            wanted.append(canary)
        self.found.append(Message(name, data, wanted))


def text(rng, lines, width=70):
    """Returns lines of random words, which end with CRLF."""
    out = []
    for _ in range(lines):
        line = rng.choice(WORDS)
        while len(line) < width - 10:
            line += " " + rng.choice(WORDS)
        out.append(line)
    return "\r\n".join(out) + "\r\n"


def head(name, *more, subject=None, date=None):
    """Returns a usual header without the empty line behind it."""
    digest = hashlib.sha256(name.encode()).digest()
    lines = [
        "Return-Path: <bounce@lists.example>",
        "Received: from mx.example (mx.example [192.0.2.7])",
        "\tby mail.example with ESMTPS id %s" % digest[:6].hex(),
        "From: %s <%s@sender.example>" % (WORDS[digest[0] % 25].title(),
                                          WORDS[digest[1] % 25]),
        "To: Reader <reader@example.org>",
        "Date: %s" % (date or "%s, %02d %s 20%02d %02d:%02d:%02d +0%d00" % (
            ("Mon", "Tue", "Wed", "Thu", "Fri")[digest[2] % 5],
            1 + digest[3] % 28,
            ("Jan", "Mar", "May", "Jul", "Sep", "Nov")[digest[4] % 6],
            10 + digest[5] % 14, digest[6] % 24, digest[7] % 60,
            digest[8] % 60, digest[9] % 6)),
        "Message-ID: <%s@sender.example>" % digest[10:18].hex(),
        "Subject: %s" % (subject if subject is not None
                         else "about %s %s" % (name, word(name))),
    ] + list(more)
    return "\r\n".join(lines) + "\r\n"


MIME = "MIME-Version: 1.0"


def typed(kind, *more):
    """Returns the header lines of MIME with a content type."""
    return (MIME, "Content-Type: " + kind) + more


def wrapped64(data):
    """Returns bytes in base64 in lines of 76 characters."""
    encoded = base64.b64encode(data).decode()
    return "".join(encoded[i:i + 76] + "\r\n"
                   for i in range(0, len(encoded), 76))


def multipart(boundary, *parts, end=True, preamble="", epilogue=""):
    """Returns a multipart body; without `end` the last boundary is
    missing."""
    out = preamble
    for part in parts:
        out += "--%s\r\n%s\r\n" % (boundary, part)
    return out + ("--%s--\r\n%s" % (boundary, epilogue) if end else "")


def part(kind, body, *more):
    """Returns one part for multipart()."""
    return "".join(line + "\r\n" for line in
                   ("Content-Type: " + kind,) + more) + "\r\n" + body


def exact(name, size):
    """Returns a usual message that has exactly `size` bytes if it is stored
    with CRLF."""
    rng = random.Random(name)
    data = head(name) + "\r\n"
    data += text(rng, (size - len(data)) // 72)
    data = data[:size - 2]
    while len(data) < size - 2:
        data += "x"
    return (data[:size - 2].rstrip("\r") + "yy")[:size - 2] + "\r\n"


def exact_lf(name, size):
    """Returns a usual message that has exactly `size` bytes if it is stored
    with bare LF."""
    lines = (head(name) + "\r\n").replace("\r\n", "\n")
    lines += text(random.Random(name), size // 40).replace("\r\n", "\n")
    return (lines[:size - 1].rstrip("\n").ljust(size - 1, "z") +
            "\n").replace("\n", "\r\n")


def plain(make):
    """Adds messages of plain text in its many forms."""
    add = make.add
    for name, subject in (("simple", None), ("no-subject", "")):
        add(name, head(name, subject=subject) + "\r\n" + word(name) + "\r\n" +
            text(make.random(name), 12))
    add("no-body", head("no-body") + "\r\n")
    add("no-body-no-empty-line", head("no-body-no-empty-line"))
    add("header-cut", head("header-cut") + "X-Cut: no end")
    add("no-header", "\r\n" + word("no-header") + "\r\n" +
        text(make.random("no-header"), 5))
    add("text-only", word("text-only") + " is no header line\r\n" +
        text(make.random("text-only"), 5))
    add("empty", b"")
    add("one-byte", b"x")
    add("one-crlf", b"\r\n")
    add("one-lf", b"\n")
    add("no-final-newline", head("no-final-newline") + "\r\n" +
        word("no-final-newline") + " and then nothing")
    add("only-spaces", " \r\n\t\r\n   \r\n")
    add("from-line", "From " + word("from-line") + "@sender.example Mon Jan "
        " 1 00:00:00 2024\r\n" + head("from-line") + "\r\nbody\r\n" +
        "From the second line\r\n>From quoted\r\n")
    add("dots", "." + head("dots") + "\r\n.\r\n..\r\n.one " + word("dots") +
        "\r\n...\r\n.\r\n")
    add("flowed", head("flowed", *typed(
        "text/plain; charset=utf-8; format=flowed; delsp=yes")) + "\r\n" +
        word("flowed") + " soft \r\nbreak \r\n> quoted \r\n>> more \r\n-- \r\n"
        "signature\r\n")
    add("trailing-spaces", head("trailing-spaces") + "\r\n" +
        "".join("line with %d spaces%s\r\n" % (n, " " * n)
                for n in range(30)) + word("trailing-spaces") + "\t \r\n")
    add("short-lines", head("short-lines") + "\r\n" +
        word("short-lines") + "\r\n" +
        "".join("%d\r\n" % (n % 10) for n in range(100000)))
    add("empty-lines", head("empty-lines") + "\r\n" + "\r\n" * 20000 +
        word("empty-lines") + "\r\n")


def line_ends(make):
    """Adds messages with bare CR and LF, NUL, and bytes that are not
    ASCII."""
    add = make.add
    raw = head("bare-lf").encode() + b"\r\n" + word("bare-lf").encode()
    add("bare-lf", raw.replace(b"\r\n", b"\n") + b"\none\ntwo\n\nthree\n")
    add("mixed-ends", head("mixed-ends").encode() + b"\r\nlf\ncrlf\r\ncr\r" +
        word("mixed-ends").encode() + b"\r\r\n\n\r\n\r")
    add("bare-cr", head("bare-cr").encode() + b"\r\none\rtwo\rthree\r" +
        word("bare-cr").encode() + b"\r\n")
    add("cr-header", b"Subject: a\rb " + word("cr-header").encode() +
        b"\r\nFrom: x@y.example\r\n\r\nbody\r\n")
    add("ends-in-cr", head("ends-in-cr").encode() + b"\r\n" +
        word("ends-in-cr").encode() + b"\r")
    add("nul-body", head("nul-body").encode() + b"\r\nbefore\0after\r\n\0\0"
        b"\r\n" + word("nul-body").encode() + b"\r\n")
    add("nul-header", b"Subject: nul \0 here " + word("nul-header").encode() +
        b"\r\nX-\0: y\r\nFrom: a@b.example\r\n\r\nbody\r\n")
    add("all-bytes", head("all-bytes", *typed(
        "application/octet-stream", "Content-Transfer-Encoding: binary"))
        .encode() + b"\r\n" + bytes(range(256)) * 4 +
        word("all-bytes").encode() + b"\r\n")
    add("high-bytes", head("high-bytes").encode() + b"\r\n" +
        word("high-bytes").encode() + bytes(range(128, 256)) + b"\r\n")
    rng = make.random("noise")
    add("noise", bytes(rng.getrandbits(8) for _ in range(50000)))
    add("noise-with-header", head("noise-with-header").encode() + b"\r\n" +
        rng.getrandbits(8 * 70000).to_bytes(70000, "big"))
    add("control-chars", head("control-chars").encode() + b"\r\n" +
        bytes(range(1, 32)) + b"\x7f\r\n\x1a\x04" +
        word("control-chars").encode() + b"\r\n")


def sizes(make):
    """Adds messages of sizes near one and two chunks, and some with long
    lines, headers and attachments."""
    for size in (16383, 16384, 16385, 32767, 32768, 32769):
        make.add("crlf-%d" % size, exact("crlf-%d" % size, size))
        make.add("lf-%d" % size, exact_lf("lf-%d" % size, size))
    for name, letter in (("line-1mb", "m"), ("line-1mb-spaces", "m ")):
        line = letter * (1000000 // len(letter))
        make.add(name, head(name) + "\r\n" + word(name) + "\r\n" + line +
                 "\r\nafter " + line[:100] + "\r\n")
    make.add("header-200kb", head(
        "header-200kb", *("X-Long-%d: %s" % (n, word("header-200kb") + " " +
                                             WORDS[n % 25] * 20)
                          for n in range(1200))) + "\r\nshort\r\n")
    make.add("header-line-70kb", head(
        "header-line-70kb", "X-Long: " + "v" * 70000) + "\r\n" +
        word("header-line-70kb") + "\r\n")
    make.add("subject-9kb", head("subject-9kb", subject="long " + (
        word("subject-9kb") + " ") * 400) + "\r\nbody\r\n")
    make.add("attachment-300kb", head("attachment-300kb", *typed(
        'multipart/mixed; boundary="big"')) + "\r\n" + multipart(
            "big", part("text/plain", word("attachment-300kb") + "\r\n"),
            part('application/pdf; name="a.pdf"', wrapped64(
                make.random("attachment").getrandbits(8 * 220000)
                .to_bytes(220000, "big")),
                "Content-Transfer-Encoding: base64",
                'Content-Disposition: attachment; filename="a.pdf"')))


def headers(make):
    """Adds messages with unusual and broken headers."""
    add = make.add
    body = "\r\nbody\r\n"
    add("folded-oddly", "Subject: a\r\n  \r\n\tb\r\n " + word("folded-oddly") +
        "\r\n \r\nFrom:\r\n a@b.example\r\nTo:\t\r\n\t c@d.example\r\nDate:"
        "\r\n Mon,\r\n 1 Jan\r\n 2024 00:00:00\r\n +0000\r\n" + body)
    add("folded-first-line", " " + word("folded-first-line") + "\r\nSubject: "
        "x\r\n" + body)
    add("no-colon", head("no-colon") + "this is no header " +
        word("no-colon") + "\r\nX-After: y\r\n" + body)
    add("space-before-colon", "Subject : " + word("space-before-colon") +
        "\r\nFrom : a@b.example\r\n" + body)
    add("repeated", "".join("Subject: %d %s\r\nFrom: a%d@b.example\r\nDate: "
                            "Mon, %d Jan 2024 00:00:00 +0000\r\n"
                            % (n, word("repeated"), n, n)
                            for n in range(1, 5)) + body)
    add("rfc2047", head(
        "rfc2047", "X-A: =?utf-8?Q?caf=C3=A9_%s?=" % word("rfc2047"),
        "Cc: =?iso-8859-1?Q?J=F6rg?= =?utf-8?B?TcO8bGxlcg==?= "
        "<j@example.org>", "Reply-To: =?utf-8?Q?not=ended <r@example.org>",
        "X-B: =?bogus-charset?Q?abc?= =?utf-8?X?abc?= =?utf-8?B?!!!?=",
        subject="=?utf-8?B?R3LDvMOfZSA=?=\r\n =?utf-8?Q?=E2=82=AC?= "
        "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=") + body)
    add("raw-utf8", head("raw-utf8", "X-Utf8: Grüße 日本語 " +
                         word("raw-utf8"), "Cc: Jörg <jörg@exämple.org>",
                         subject="Grüße aus Köln") + "\r\nÄÖÜ\r\n")
    add("raw-latin1", ("Subject: Gr\xfc\xdfe\r\nFrom: J\xf6rg <a@b.example>"
                       "\r\n\r\n\xe4\xf6\xfc %s\r\n" % word("raw-latin1"))
        .encode("latin-1"))
    add("bcc", head("bcc", "Bcc: " + ",\r\n ".join(
        "%s%d@hidden.example" % (w, n) for n, w in enumerate(WORDS)),
        "Cc: undisclosed-recipients:;") + "\r\n" + word("bcc") + "\r\n")
    add("groups", "From: A Group:a@b.example,\"C, D\" <c@d.example>;\r\n"
        "To: undisclosed-recipients: ;\r\nCc: (comment (nested)) e@f.example "
        "(tail)\r\nSender: \"quo\\\"ted\" <\"odd local\"@x.example>\r\n"
        "Subject: " + word("groups") + "\r\n" + body)
    add("bad-addresses", "From: <<>>\r\nTo: a b c @@ d,,,;<>\r\nCc: \"never "
        "closed <x@y>\r\nReply-To: @route.example:a@b.example\r\nSubject: " +
        word("bad-addresses") + "\r\n" + body)
    add("bad-date", head("bad-date", date="the 35th of Brumaire, noon") +
        "\r\n" + word("bad-date") + "\r\n")
    add("two-digit-year", head("two-digit-year",
                               date="1 Feb 99 10:00 EST") + body)
    add("reply", head("reply", "In-Reply-To: <%s@sender.example>" %
        hashlib.sha256(b"simple").digest()[10:18].hex(),
        "References: <0@sender.example>\r\n <%s@sender.example>" %
        hashlib.sha256(b"simple").digest()[10:18].hex(),
        subject="Re: [list] Re: about simple " + word("reply")) + body)
    add("reply-to-nothing", head(
        "reply-to-nothing", "References: <<broken> <no-at> <ok@x.example>",
        subject="Fwd: Re: " + word("reply-to-nothing")) + body)
    add("list", head("list", "List-Id: <l.example>", "List-Unsubscribe: "
        "<https://l.example/u?%s>" % word("list"), "Precedence: bulk",
        "DKIM-Signature: v=1; a=rsa-sha256; d=l.example; s=s;\r\n\tbh=" +
        "A" * 43 + "=;\r\n\tb=" + "B" * 200) + body)
    add("quotes-in-subject", head(
        "quotes-in-subject", subject='He said "no\\" {5} (x) %s \\ "'
        % word("quotes-in-subject")) + body)


def mime(make):
    """Adds messages with valid and with broken MIME structure."""
    add = make.add

    def mixed(name, *parts, boundary="b", **more):
        add(name, head(name, *typed('multipart/mixed; boundary="%s"'
                                    % boundary)) + "\r\n" +
            multipart(boundary, *parts, **more))

    def one(name):
        return part("text/plain", word(name) + "\r\n")

    add("alternative", head("alternative", *typed(
        'multipart/alternative; boundary="=_alt"')) + "\r\n" + multipart(
            "=_alt", part("text/plain; charset=utf-8", quopri.encodestring(
                (word("alternative") + " Grüße = €\n").encode()).decode()
                .replace("\n", "\r\n"),
                "Content-Transfer-Encoding: quoted-printable"),
            part("text/html; charset=utf-8", "<p>%s &amp; more</p>\r\n"
                 % word("alternative")), preamble="This is MIME.\r\n",
            epilogue="after the end\r\n"))
    mixed("no-end-boundary", one("no-end-boundary"),
          part("text/html", "<b>cut</b>"), end=False)
    mixed("duplicate-boundary", one("duplicate-boundary"),
          'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' +
          multipart("b", part("text/plain", "inner\r\n")),
          part("text/plain", "after\r\n"))
    mixed("prefix-boundary", 'Content-Type: multipart/mixed; '
          'boundary="bb"\r\n\r\n' + multipart("bb", one("prefix-boundary")),
          part("text/plain", "outer\r\n"))
    mixed("empty-parts", "", "\r\n", part("text/plain", ""),
          one("empty-parts"), "", preamble="\r\n\r\n", epilogue="\r\n\r\n")
    add("no-boundary-param", head("no-boundary-param", *typed(
        "multipart/mixed")) + "\r\n--x\r\n\r\n" + word("no-boundary-param") +
        "\r\n--x--\r\n")
    add("boundary-never-seen", head("boundary-never-seen", *typed(
        'multipart/mixed; boundary="never"')) + "\r\n" +
        word("boundary-never-seen") + "\r\n")
    mixed("boundary-spaces", one("boundary-spaces"), boundary="a b  c")
    boundary = "x" * 70
    mixed("boundary-70", one("boundary-70"), boundary=boundary)
    mixed("boundary-90", one("boundary-90"), boundary=boundary + "y" * 20)
    mixed("parts-200", *(part("text/plain", "%d %s\r\n" % (
        n, word("parts-200"))) for n in range(200)))

    nest = part("text/plain", word("nest-60") + "\r\n")
    for depth in range(60):
        nest = 'Content-Type: multipart/mixed; boundary="n%d"\r\n\r\n' \
            % depth + multipart("n%d" % depth, nest)
    add("nest-60", head("nest-60", MIME) + nest)

    inner = head("forwarded-inner", *typed("text/plain")) + "\r\n" + \
        word("forwarded") + "\r\n"
    mixed("forwarded", part("text/plain", "see below\r\n"),
          part("message/rfc822", inner))
    deep = inner
    for depth in range(12):
        deep = head("rfc822-%d" % depth, *typed("message/rfc822")) + \
            "\r\n" + deep
    add("rfc822-nested", deep + word("rfc822-nested") + "\r\n")
    add("rfc822-of-multipart", head("rfc822-of-multipart", *typed(
        'message/rfc822')) + "\r\n" + head("inner", *typed(
            'multipart/mixed; boundary="q"')) + "\r\n" + multipart(
                "q", part("text/plain", word("rfc822-of-multipart") + "\r\n"),
                part("image/gif", wrapped64(b"GIF89a" + bytes(30)),
                     "Content-Transfer-Encoding: base64", "Content-ID: <i@x>",
                     "Content-Location: http://x.example/i")))
    mixed("rfc822-base64", part("message/rfc822", wrapped64(inner.encode()),
                                "Content-Transfer-Encoding: base64"),
          one("rfc822-base64"))
    mixed("partial-external", part(
        'message/partial; id="i@x"; number=1; total=2',
        word("partial-external") + "\r\n"), part(
            'message/external-body; access-type=URL; URL="http://x.example"',
            "Content-Type: image/png\r\n\r\n"))
    digest = 'Content-Type: multipart/digest; boundary="d"\r\n\r\n' + \
        multipart("d", "\r\n" + inner, "\r\n" + inner)
    mixed("digest", digest, one("digest"))
    mixed("related", part("text/html", '<img src="cid:1">%s\r\n'
                          % word("related")), part(
        "image/png", wrapped64(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        "Content-Transfer-Encoding: base64", "Content-ID: <1>",
        "Content-Disposition: inline;\r\n filename*0*=utf-8''gr%C3%BC;\r\n"
        " filename*1=n.png", "Content-Language: de, en", "Content-MD5: "
        "Q2hlY2sgSW50ZWdyaXR5IQ==", "Content-Description: a (picture)"))
    add("type-rubbish", head("type-rubbish", *typed(
        '///; charset; =x; name="never closed',
        "Content-Transfer-Encoding: x-nonsense")) + "\r\n" +
        word("type-rubbish") + "\r\n")
    add("type-repeated", head("type-repeated", *typed(
        "text/plain", "Content-Type: multipart/mixed; boundary=b",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: 7bit")) + "\r\n--b\r\n\r\n" +
        word("type-repeated") + "\r\n--b--\r\n")


def encodings(make):
    """Adds messages in various transfer encodings and character sets."""
    add = make.add

    def encoded(name, encoding, body, kind="text/plain; charset=utf-8"):
        data = head(name, *typed(kind, "Content-Transfer-Encoding: " +
                                 encoding)) + "\r\n"
        add(name, data.encode() + (body if isinstance(body, bytes)
                                   else body.encode()))

    encoded("quoted-printable", "quoted-printable", word("quoted-printable") +
            " soft=\r\nbreak =C3=BC=\r\n=20 trailing =20\r\n=3D\r\n")
    encoded("quoted-printable-broken", "quoted-printable", "=ZZ = =4 =\r\n"
            "= \r\n=c3=bC lower " + word("quoted-printable-broken") + " =")
    encoded("base64", "BASE64", wrapped64((word("base64") * 100).encode()))
    encoded("base64-junk", "base64", "####\r\n" + wrapped64(
        word("base64-junk").encode() * 20).replace("Z", "Z !\t") +
        "=\r\n==QUJD\r\n" + "trailing text\r\n")
    encoded("base64-cut", "base64", base64.b64encode(
        word("base64-cut").encode() * 3).decode()[:-3])
    encoded("base64-one-line", "base64", base64.b64encode(
        (word("base64-one-line") + " ").encode() * 3000).decode() + "\r\n")
    encoded("uuencode-cte", "x-uuencode", "begin 644 a.txt\r\n" +
            binascii.b2a_uu(word("uuencode-cte").encode()).decode()
            .replace("\n", "\r\n") + "`\r\nend\r\n")
    rng = make.random("uuencode")
    blob = rng.getrandbits(8 * 4500).to_bytes(4500, "big")
    add("uuencode", head("uuencode") + "\r\n" + word("uuencode") +
        "\r\nbegin 644 a.bin\r\n" + "".join(
            binascii.b2a_uu(blob[i:i + 45]).decode().replace("\n", "\r\n")
            for i in range(0, 4500, 45)) + "`\r\nend\r\n")
    yenc = bytes((byte + 42) % 256 for byte in blob)
    for special in (b"\0", b"\n", b"\r", b"="):
        yenc = yenc.replace(special, b"=" + bytes([(special[0] + 64) % 256]))
    add("yenc", head("yenc").encode() + b"\r\n=ybegin line=128 size=4500 "
        b"name=" + word("yenc").encode() + b"\r\n" + b"\r\n".join(
            yenc[i:i + 128] for i in range(0, len(yenc), 128)) +
        b"\r\n=yend size=4500\r\n")
    samples = (("iso-2022-jp", "日本語のメール、かな漢字"),
               ("shift_jis", "日本語のメール、かな漢字ソ表"),
               ("euc-kr", "한국어 메일"), ("gb18030", "中文邮件"),
               ("big5", "繁體郵件"), ("koi8-r", "Русское письмо"),
               ("windows-1252", "„quotes“ – €"), ("utf-16le", "wide"),
               ("utf-7", "Gr+APwA3w-e"), ("iso-8859-8", "שלום"))
    for charset, sample in samples:
        body = sample.encode(charset) if charset != "utf-7" \
            else sample.encode()
        encoded(charset, "8bit", body + b"\r\n" + word(charset).encode() +
                b"\r\n" + body + b"\r\n", "text/plain; charset=" + charset)
    encoded("charset-unknown", "8bit", b"\xfe\xff " +
            word("charset-unknown").encode() + b"\r\n",
            "text/plain; charset=x-no-such")
    encoded("utf8-broken", "8bit", b"\xc3 \xe2\x82 \xff\xfe \xed\xa0\x80 " +
            word("utf8-broken").encode() + b"\r\n")
    encoded("html", "8bit", "<html><head><style>p{}</style></head><body><p>"
            "Grüße &nbsp;%s</p><!-- c --></body></html>\r\n" % word("html"),
            "text/html; charset=utf-8")


def kinds(make):
    """Adds messages as programs send them, such as signed and encrypted ones,
    invitations and bounces, and some that look like stored formats."""
    add = make.add
    rng = make.random("kinds")

    def blob(size):
        return wrapped64(rng.getrandbits(8 * size).to_bytes(size, "big"))

    add("smime-signed", head("smime-signed", *typed(
        'multipart/signed; protocol="application/pkcs7-signature"; '
        'micalg=sha-256; boundary="s"')) + "\r\n" + multipart(
            "s", part("text/plain", word("smime-signed") + "\r\n"),
            part('application/pkcs7-signature; name="smime.p7s"', blob(1800),
                 "Content-Transfer-Encoding: base64")))
    add("smime-enveloped", head("smime-enveloped", *typed(
        'application/pkcs7-mime; smime-type=enveloped-data; '
        'name="smime.p7m"', "Content-Transfer-Encoding: base64")) + "\r\n" +
        blob(3000))
    add("pgp-mime", head("pgp-mime", *typed(
        'multipart/encrypted; protocol="application/pgp-encrypted"; '
        'boundary="p"')) + "\r\n" + multipart(
            "p", part("application/pgp-encrypted", "Version: 1\r\n"),
            part('application/octet-stream; name="encrypted.asc"',
                 "-----BEGIN PGP MESSAGE-----\r\n\r\n" + blob(900) +
                 "=AbCd\r\n-----END PGP MESSAGE-----\r\n")))
    add("pgp-inline", head("pgp-inline") + "\r\n-----BEGIN PGP SIGNED "
        "MESSAGE-----\r\nHash: SHA512\r\n\r\n- -- \r\n" + word("pgp-inline") +
        "\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n" + blob(200) +
        "-----END PGP SIGNATURE-----\r\n")
    add("calendar", head("calendar", *typed(
        "text/calendar; method=REQUEST; charset=UTF-8")) + "\r\n"
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@x.example"
        "\r\nDTSTART:20240101T100000Z\r\nSUMMARY:" + word("calendar") +
        "\r\n folded\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    add("bounce", head("bounce", "Auto-Submitted: auto-replied", *typed(
        'multipart/report; report-type=delivery-status; boundary="r"')) +
        "\r\n" + multipart(
            "r", part("text/plain", "could not be delivered\r\n"),
            part("message/delivery-status", "Reporting-MTA: dns; x.example"
                 "\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: "
                 "failed\r\nStatus: 5.1.1\r\n"),
            part("message/rfc822", head("bounced") + "\r\n" +
                 word("bounce") + "\r\n")))
    add("bounce-headers", head("bounce-headers", *typed(
        'multipart/report; report-type=delivery-status; boundary="r"')) +
        "\r\n" + multipart(
            "r", part("text/plain", word("bounce-headers") + "\r\n"),
            part("message/delivery-status", "Reporting-MTA: dns; x\r\n"),
            part("text/rfc822-headers", head("bounced-2"))))
    add("read-receipt", head("read-receipt", *typed(
        'multipart/report; report-type=disposition-notification; '
        'boundary="r"')) + "\r\n" + multipart(
            "r", part("text/plain", word("read-receipt") + "\r\n"),
            part("message/disposition-notification",
                 "Disposition: manual-action/MDN-sent-manually; displayed"
                 "\r\n")))
    add("vcard", head("vcard", *typed("text/x-vcard")) +
        "\r\nBEGIN:VCARD\r\nFN:" + word("vcard") + "\r\nEND:VCARD\r\n")
    add("tnef", head("tnef", *typed(
        'application/ms-tnef; name="winmail.dat"',
        "Content-Transfer-Encoding: base64")) + "\r\n" +
        wrapped64(b"\x78\x9f\x3e\x22" + rng.getrandbits(8 * 500)
                  .to_bytes(500, "big")))
    add("looks-sealed", MAGIC + b"\r\nSubject: not sealed\r\n\r\n" +
        word("looks-sealed").encode() + b"\r\n")
    add("looks-sealed-header", MAGIC + b"\x01\x01\x00\x5c" + bytes(52) +
        rng.getrandbits(8 * 800).to_bytes(800, "big"))
    add("looks-gzip", b"\x1f\x8b\x08\x00" + bytes(6) +
        word("looks-gzip").encode() + b"\r\n")
    add("looks-dbox", head("looks-dbox").encode() + b"\r\n\n\x01\x03\n"
        b"R0123\n\n\x01\x02N 00000000000000FF\n" +
        word("looks-dbox").encode() + b"\r\n")


def messages(seed=SEED):
    """Returns all messages but big()."""
    make = Maker(seed)
    for group in (plain, line_ends, sizes, headers, mime, encodings, kinds):
        group(make)
    return make.found


def big(seed=SEED, size=25000000):
    """Returns a message of about 25 MB with text and a base64 attachment."""
    rng = random.Random("%d big" % seed)
    count = (size - 20000) * 57 // 78
    attachment = rng.getrandbits(8 * count).to_bytes(count, "big")
    name = "big"
    data = head(name, *typed('multipart/mixed; boundary="big"')) + "\r\n" + \
        multipart("big", part("text/plain", word(name) + "\r\n" +
                              text(rng, 200)),
                  part('application/zip; name="z.zip"',
                       wrapped64(attachment),
                       "Content-Transfer-Encoding: base64"))
    return Message(name, data.encode(), [word(name).encode()])


def is_regular(data):
    """Tells whether IMAP gives a message back exactly as it was sent. It does
    if the message has no NUL and no CR or LF but in pairs, because Dovecot
    changes these."""
    rest = data.replace(b"\r\n", b"")
    return b"\r" not in rest and b"\n" not in rest and b"\0" not in rest


if __name__ == "__main__":
    for item in messages():
        print("%8d %s %s" % (len(item.data), item.name,
                             "" if is_regular(item.data) else "*"))
