# SPDX-License-Identifier: MIT
"""canary: words that no disk may show, and a search for them in any encoding.

Every word consists of one of two stems and a number of its own. The search
looks for the stems in every spelling and encoding that a program might write
them in, and reads the number that follows. One pass over a file therefore
finds every word that was given out. A stem without a number is a hit, too.
"""

import base64
import collections
import os
import re
import stat

# The first stem has only letters of ASCII. Mail has to encode the second.
STEM = "QvarNix"
STEM8 = "W\u00fclfN\u00e4r"

Hit = collections.namedtuple("Hit", "path form kind word")
Needle = collections.namedtuple("Needle", "bytes form number is_lowered")


class Book:
    """Gives out words and remembers what each of them stands for."""

    def __init__(self):
        self.kinds = {}
        self.by_kind = collections.defaultdict(list)

    def _add(self, stem, kind):
        word = "%s%04d" % (stem, len(self.kinds) + 1)
        assert len(self.kinds) < 9999, "no numbers are left"
        self.kinds[len(self.kinds) + 1] = kind
        self.by_kind[kind].append(word)
        return word

    def word(self, kind):
        """Returns a new word, which is a valid atom, local part, domain label
        and keyword."""
        return self._add(STEM, kind)

    def word8(self, kind):
        """Returns a new word with letters that are not ASCII."""
        return self._add(STEM8, kind)

    def numbers(self, *but):
        """Returns the numbers of all words but those of some kinds."""
        return {number for number, kind in self.kinds.items()
                if kind not in but}


# The search

def _spellings(text):
    return sorted({text, text.lower(), text.upper()})


def phases(data):
    """Yields (characters before, base64) of the bytes for each position they
    can have in a group of three. The base64 has only the characters that do
    not depend on the bytes before and after."""
    for skip in range(3):
        text = base64.b64encode(b"\0" * skip + data)
        whole = len(data) + skip
        yield (skip * 8 + 5) // 6, text[(skip * 8 + 5) // 6:whole * 8 // 6]


def _plain_number(step, at):
    """Returns a function that reads four digits; each digit is the byte `at`
    of `step` bytes."""
    def read(content, end):
        digits = content[end + at:end + 4 * step:step]
        return int(digits) if re.fullmatch(rb"\d{4}", digits) else 0
    return read


def _hex_number(mark):
    """Returns a function that reads four digits, each written as hexadecimal
    behind a mark."""
    form = re.compile((re.escape(mark) + rb"3(\d)") * 4)

    def read(content, end):
        found = form.match(content, end)
        return int(b"".join(found.groups())) if found else 0
    return read


def _base64_number(before, length):
    """Returns a function that decodes what it finds and reads the first four
    digits; `before` characters of the base64 stand before its beginning, and
    `length` of them were found."""
    def read(content, end):
        start = end - length
        text = content[start:start + 80].replace(b"-", b"+") \
            .replace(b"_", b"/")
        text = b"A" * before + re.match(rb"[A-Za-z0-9+/]*", text).group(0)
        data = base64.b64decode(text[:-1] if len(text) % 4 == 1 else
                                text + b"=" * (-len(text) % 4))
        found = re.search(rb"(?s)^.{,26}?(\d{4})", data.replace(b"\0", b""))
        return int(found.group(1)) if found else 0
    return read


def _base64_needles(data, form):
    for before, text in phases(data):
        for spelt in {text, text.replace(b"+", b"-").replace(b"/", b"_")}:
            yield Needle(spelt, "base64 of " + form,
                         _base64_number(before, len(spelt)), False)


def _escaped(data, mark, is_all):
    """Returns bytes written as =XX or %XX: all of them, or those that are not
    ASCII."""
    return b"".join(b"%s%02x" % (mark, byte) if is_all or byte > 126
                    else bytes([byte]) for byte in data)


def _word_needles(text, charset):
    data = text.encode(charset)
    step = 2 if charset.startswith("utf-16") else 1
    yield Needle(data.lower(), charset,
                 _plain_number(step, int(charset == "utf-16-be")), True)
    yield from _base64_needles(data, charset)
    if step == 2:
        return
    yield Needle(data.hex().encode(), "hex of " + charset, _hex_number(b""),
                 True)
    for mark, form in ((b"=", "quoted-printable"), (b"%", "percent")):
        yield Needle(_escaped(data, mark, True), "%s of %s" % (form, charset),
                     _hex_number(mark), True)
        if not text.isascii():
            yield Needle(_escaped(data, mark, False).lower(),
                         "%s of %s" % (form, charset), _plain_number(1, 0),
                         True)


def word_needles():
    found = {}
    for stem in (STEM, STEM8):
        for text in _spellings(stem):
            for charset in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
                for needle in _word_needles(text, charset):
                    found.setdefault((needle.bytes, needle.is_lowered),
                                     needle)
    return list(found.values())


def secret_needles(name, raw):
    """Returns the needles of a secret, for its bytes and for its hexadecimal
    form."""
    found = [Needle(raw, "raw " + name, None, None),
             Needle(raw.hex().encode(), "hex " + name, None, True)]
    for data in (raw, raw.hex().encode(), raw.hex().upper().encode()):
        found += _base64_needles(data, name)
    return found


def _search(content, needles):
    """Yields (needle, number) for every place where a needle stands, with 0
    for no number. The ends of lines are removed first, because they split
    base64 and quoted-printable."""
    joined = content.replace(b"=\r\n", b"").replace(b"=\n", b"") \
        .replace(b"\r", b"").replace(b"\n", b"")
    lowered = joined.lower()
    for needle in needles:
        where = content if needle.is_lowered is None else \
            lowered if needle.is_lowered else joined
        start = where.find(needle.bytes)
        while start >= 0:
            end = start + len(needle.bytes)
            yield needle, needle.number(where, end) if needle.number else 0
            start = where.find(needle.bytes, end)


class Search:
    """Looks through folders for the words of a book and for secrets."""

    def __init__(self, book, secrets=None):
        self.book = book
        self.words = word_needles()
        self.secrets = [needle for name, raw in (secrets or {}).items()
                        for needle in secret_needles(name, raw)]
        self.names = {needle.form for needle in self.secrets}
        self.files = 0

    def file(self, path):
        """Returns the hits in one file and in its name."""
        with open(path, "rb") as file:
            content = file.read()
        self.files += 1
        hits = []
        for text in (content, os.fsencode(os.path.basename(path))):
            for needle, number in _search(text, self.words):
                hits.append(Hit(path, needle.form, self.book.kinds.get(
                    number, "?"), number))
            for needle, _ in _search(text, self.secrets):
                hits.append(Hit(path, needle.form, "secret", 0))
        return hits

    def folders(self, *tops, but=()):
        """Returns the hits in all regular files below some folders, in their
        names and in the names of folders. `but` are paths of files and folders
        that are left out."""
        hits = []
        for top in tops:
            for folder, names, files in os.walk(top):
                names[:] = [name for name in names
                            if os.path.join(folder, name) not in but]
                for name in names:
                    hits += [Hit(os.path.join(folder, name), needle.form,
                                 self.book.kinds.get(number, "?"), number)
                             for needle, number
                             in _search(os.fsencode(name), self.words)]
                for path in (os.path.join(folder, name) for name in files):
                    if path not in but and self._is_file(path):
                        hits += self.file(path)
        return hits

    def changed(self, top, seen, but=()):
        """Returns the hits in files that are new or have changed since the
        last call; `seen` keeps what they were like."""
        hits = []
        for folder, names, files in os.walk(top):
            names[:] = [name for name in names
                        if os.path.join(folder, name) not in but]
            for path in (os.path.join(folder, name) for name in files):
                try:
                    is_file = path not in but and self._is_file(path)
                    state = os.lstat(path)
                    state = state.st_ino, state.st_mtime_ns, state.st_size
                    if is_file and seen.get(path) != state:
                        seen[path] = state
                        hits += self.file(path)
                except FileNotFoundError:
                    pass
        return hits

    @staticmethod
    def _is_file(path):
        try:
            return stat.S_ISREG(os.lstat(path).st_mode)
        except FileNotFoundError:
            return False


def place(path, root):
    """Returns a path below the root, with * in the place of what differs from
    message to message."""
    path = os.path.relpath(path, root)
    if os.path.basename(os.path.dirname(path)) in ("cur", "new", "tmp"):
        return os.path.join(os.path.dirname(path), "*")
    return re.sub(r"/([um])\.\d+\Z", r"/\1.*", path)


def table(hits, root):
    """Returns the hits as text with one line for all hits of the same place,
    form and kind."""
    counted = collections.Counter(
        (place(hit.path, root), hit.kind, hit.form) for hit in hits)
    return "\n".join("%6d  %s: %s (%s)" % (count, *what)
                     for what, count in sorted(counted.items()))
