# SPDX-License-Identifier: MIT
"""canary_mail: messages that have a word of a canary.Book in every place.

Messages of each shape below are made several times, always with new words, so
that every way of delivery and every session gets some of each shape.
"""

import base64
import quopri

from corpus import wrapped64

# Clients ask for these headers by name, for X-Word-Odd and List-Id seldom.
NAMED = ("Subject Comments Keywords X-Word-Odd List-Id Organization "
         "X-Mailer Thread-Topic Importance Content-Language").split()
ADDRESSES = "From Sender Reply-To To Cc Bcc Resent-From Resent-To".split()
IDS = "Message-ID In-Reply-To References Resent-Message-ID".split()


def encoded(text, charset="utf-8", form="B"):
    """Returns a text as an encoded word of RFC 2047."""
    data = text.encode(charset)
    if form == "B":
        inner = base64.b64encode(data).decode()
    else:
        inner = "".join(chr(byte) if chr(byte).isascii() and
                        chr(byte).isalnum() else "=%02X" % byte
                        for byte in data)
    return "=?%s?%s?%s?=" % (charset, form, inner)


def percent(text):
    """Returns a text as the value of a parameter of RFC 2231."""
    return "".join(chr(byte) if byte < 127 else "%%%02X" % byte
                   for byte in text.encode())


class Maker:
    """Makes messages with new words of a book."""

    def __init__(self, book):
        self.book = book
        self.number = 0

    def word(self, kind):
        return self.book.word(kind)

    def address(self, name, form="plain"):
        """Returns an address with a new display name, local part and
        domain."""
        kind = name.lower()
        shown = self.word(kind + " name")
        if form != "plain":
            shown = encoded("\u00e9 " + shown, form=form)
        return '%s <%s@%s.example>' % (
            shown if form != "plain" else '"%s, A."' % shown,
            self.word(kind + " local part"), self.word(kind + " domain"))

    def head(self, *more, subject=None, form="plain", is_mime=True):
        """Returns a header with every usual field, without the empty line
        behind it."""
        self.number += 1
        lines = ["%s: %s" % (name, self.address(name, form))
                 for name in ADDRESSES]
        lines += ["%s: <%s@%s>" % (name, self.word(name.lower()),
                                   self.word(name.lower() + " domain"))
                  for name in IDS]
        lines += ["%s: %s" % (name, self.word("header " + name.lower()))
                  for name in NAMED if name != "Subject"]
        lines += [
            "Date: %02d Mar 2024 10:%02d:00 +0000 (%s)" % (
                1 + self.number % 28, self.number % 60,
                self.word("date comment")),
            "Subject: " + (subject or "Re: about %s and more"
                           % self.word("subject")),
            "Received: from %s.example by mx.example with ESMTP id %s" % (
                self.word("received host"), self.word("received id")),
            "X-%s: a name nobody asks for" % self.word("header name"),
            "X-Folded: begin\r\n\t%s\r\n  and %s" % (
                self.word("folded header"), self.word("folded header")),
        ]
        if is_mime:
            lines.append("MIME-Version: 1.0")
        return "\r\n".join(lines + list(more)) + "\r\n"

    # Shapes

    def simple(self):
        return self.head(is_mime=False) + "\r\n%s begins.\r\n%s\r\n%s\r\n" % (
            self.word("preview"), "filler words here\r\n" * 20,
            self.word("body"))

    def encoded_words(self):
        """Returns a message in which all that can be encoded is encoded."""
        subject = encoded("\u00fc " + self.word("subject base64")) + "\r\n " \
            + encoded("\u00fc" + self.word("subject q"), form="Q") + " " + \
            encoded(self.book.word8("subject latin"), "iso-8859-1", "Q")
        body = "%s\r\n%s\r\n" % (self.book.word8("preview 8 bit"),
                                 self.book.word8("body quoted") * 2)
        return self.head(
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "X-Encoded: " + encoded(self.word("header base64")),
            "X-Encoded: " + encoded(self.book.word8("header q"), form="Q"),
            subject=subject, form="B") + "\r\n" + quopri.encodestring(
                body.replace("\r\n", "\n").encode()).decode() \
            .replace("\n", "\r\n")

    def raw_utf8(self):
        """Returns a message with UTF-8 in its header, where nothing says that
        it is UTF-8."""
        return self.head(
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
            "X-Raw: " + self.book.word8("header 8 bit"),
            subject="raw " + self.book.word8("subject 8 bit"), form="Q") + \
            "\r\n%s\r\n%s\r\n" % (self.word("preview"),
                                  self.book.word8("body 8 bit"))

    def _file(self, kind, name, *more, data=None):
        """Returns a MIME part with every usual header line."""
        return "".join(line + "\r\n" for line in (
            "Content-Type: %s; x-word=%s; %s" % (
                kind, self.word("type parameter"), name),
            "Content-ID: <%s@%s>" % (self.word("content-id"),
                                     self.word("content-id domain")),
            "Content-Description: " + self.word("content-description"),
            "Content-Location: " + self.word("content-location"),
            "Content-Language: " + self.word("content-language"),
            "Content-MD5: " + self.word("content-md5"),
            "Content-Transfer-Encoding: " + ("7bit" if data is None
                                             else "base64")) + more) + \
            "\r\n" + (data or self.word("attachment text") + "\r\n") + "\r\n"

    def attachments(self, size=2000):
        edge = self.word("boundary")
        content = "".join("%s %s" % (
            self.word("attachment base64"), "x" * count)
            for count in range(60, 63)).encode()
        content += b"y" * size
        parts = [
            "Content-Type: text/plain\r\n\r\n%s\r\n" % self.word("preview"),
            self._file(
                "text/plain", 'name="%s.txt"' % self.word("name"),
                'Content-Disposition: attachment; filename="%s.txt"'
                % self.word("filename")),
            self._file(
                "application/" + self.word("subtype"),
                "name=" + '"%s"' % encoded(self.word("name encoded")),
                "Content-Disposition: attachment; filename*=utf-8''"
                + percent(self.book.word8("filename 2231")),
                data=wrapped64(content)),
            self._file(
                "application/octet-stream",
                "name*0=%s; name*1=%s" % (self.word("name continued"),
                                          self.word("name continued")),
                "Content-Disposition: attachment;\r\n"
                " filename*0*=utf-8''%s;\r\n filename*1*=%s;\r\n"
                " x-disposition=%s" % (
                    percent(self.book.word8("filename 2231")),
                    percent(self.book.word8("filename 2231")),
                    self.word("disposition parameter")),
                data=wrapped64(self.book.word8("attachment base64")
                               .encode("utf-16-le") * 3))]
        return self.head(
            "Content-Type: multipart/mixed;\r\n boundary=\"%s\"" % edge) + \
            "\r\n%s\r\n" % self.word("preamble") + "".join(
                "--%s\r\n%s\r\n" % (edge, part) for part in parts) + \
            "--%s--\r\n%s\r\n" % (edge, self.word("epilogue"))

    def large(self):
        """Returns a message that is larger than what Dovecot keeps in
        memory."""
        return self.attachments(140000)

    def alternative(self):
        texts = (
            "Content-Type: text/plain; charset=utf-16be\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n" + wrapped64(
                ("%s and %s\r\n" % (
                    self.word("preview utf-16"),
                    self.book.word8("body utf-16"))).encode("utf-16-be")),
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n" + wrapped64(
                (self.word("body base64") + "\r\n" +
                 self.book.word8("body base64")).encode()),
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><head>"
            "<title>%s</title></head><body>\r\n<p title=3D\"%s\">%s=20\r\n"
            "soft bre=\r\nak %s</p></body></html>\r\n" % (
                self.word("html title"), self.word("html attribute"),
                self.word("html text"), self.word("html text")))
        edge = self.word("boundary")
        return self.head("Content-Type: multipart/alternative; boundary="
                         + edge) + "\r\n" + "".join(
            "--%s\r\n%s\r\n" % (edge, text) for text in texts) + \
            "--%s--\r\n" % edge

    def nested(self):
        """Returns a message with a forwarded message and a digest, which have
        headers of their own."""
        edge, inner = self.word("boundary"), self.word("boundary")
        parts = ["\r\n%s\r\n" % self.word("preview"),
                 "Content-Type: message/rfc822\r\n\r\n%s\r\n"
                 % self.attachments(),
                 "Content-Type: multipart/digest; boundary=%s\r\n\r\n"
                 "--%s\r\n\r\n%s\r\n--%s--\r\n" % (
                     inner, inner, self.simple(), inner)]
        return self.head("Content-Type: multipart/mixed; boundary=" + edge) \
            + "".join("\r\n--%s\r\n%s" % (edge, part) for part in parts) + \
            "\r\n--%s--\r\n" % edge

    def lists(self):
        """Returns a message with the header lines that mailing lists and
        filters add."""
        names = ("List-Post List-Unsubscribe List-Help X-Spam-Status "
                 "X-Original-To Errors-To Authentication-Results "
                 "Disposition-Notification-To X-Loop Newsgroups").split()
        return "Return-Path: <%s@%s>\r\n" % (
            self.word("return-path"), self.word("return-path domain")) + \
            self.head(
                *["%s: <mailto:%s@x.example>" % (
                    name, self.word("header " + name.lower()))
                  for name in names],
                "DKIM-Signature: v=1; d=%s; b=%s" % (
                    self.word("dkim domain"), self.word("dkim value")),
                "X-Empty:", "X-Twice: " + self.word("header twice"),
                "X-Twice: " + self.word("header twice"), is_mime=False) + \
            "\r\n> %s quoted\r\n\r\n%s\r\n" % (self.word("preview quoted"),
                                               self.word("preview"))

    def huge_header(self):
        """Returns a message whose header is larger than what Dovecot caches
        of one message."""
        many = ",\r\n ".join("%s@%s.example" % ("x" * 40, "y" * 20)
                             for _ in range(900))
        return "X-First: %s\r\n" % self.word("huge first") + self.head(
            "X-Many: %s,\r\n %s@x.example" % (many,
                                              self.word("huge header")),
            is_mime=False).replace("\r\nTo: ", "\r\nTo: %s,\r\n " % many) + \
            "References: %s <%s@x.example>\r\n" % (
                "\r\n ".join("<%d@x.example>" % number
                             for number in range(600)),
                self.word("references")) + \
            "\r\n%s\r\n" % self.word("body")

    def broken(self):
        """Returns a message that promises MIME parts and has none, with a
        line in its header that is no header line."""
        return self.head("Content-Type: multipart/mixed; boundary=none",
                         "this is no header but %s"
                         % self.word("broken header")) + \
            "\r\n%s\r\n" % self.word("broken body")

    def shapes(self):
        return [self.simple, self.encoded_words, self.raw_utf8,
                self.attachments, self.alternative, self.nested, self.lists,
                self.huge_header, self.broken, self.large]

    def messages(self, first=0, step=1):
        """Returns one message of each shape, or of every `step`-th shape from
        `first` on, with new words."""
        return [shape().encode() for shape in self.shapes()[first::step]]
