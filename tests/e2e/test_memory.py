# SPDX-License-Identifier: MIT
"""What a core image of a session would hold: none of the keys that Roost keeps
in its own memory, once a message was opened, listed, saved and copied.

The memory is read from the kernel as a core image has it: all that is not
marked to be left out. The provider key's text is in Dovecot's own settings.
"""

import re

import pytest

import processes
import server as servers
import tamper
from server import STORAGES
from tamper import rf
from sharing import message

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keys of Roost")


def memory(pid):
    """The bytes of each mapping that a core image would have."""
    with open("/proc/%d/smaps" % pid) as file:
        maps = re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) (\S+) .*\n"
                          r"(?:\w+:.*\n)*?VmFlags:(.*)$", file.read())
    assert len(maps) > 50
    found = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as file:
        for begin, end, mode, flags in maps:
            if "r" not in mode or "dd" in flags.split():
                continue
            file.seek(int(begin, 16))
            try:
                found.append(file.read(int(end, 16) - int(begin, 16)))
            except OSError:		# [vvar] and the like
                pass
    return found


def secrets(server, user, given=None):
    """{what: bytes} of the keys that a session of the user's holds."""
    reader = tamper.Reader(server, user, unlock="secret" if given else
                           "provider", given=given)
    found = {"master key": reader.ring.master,
             "host key": reader.ring.host_key,
             "provider key": tamper.provider_key(server)}
    if given:
        found["the user's secret"] = given
    for number, private, psk in reader.ring.secrets:
        found["private key %d" % number] = private
        found["psk %d" % number] = psk
    for at, (_, _, content, _) in enumerate(reader.messages()):
        header = rf.Header(content)
        found["data key %d" % at] = rf.choose_stanza(
            header, reader.ring.secrets)
    return found


def use(client, words):
    """All that makes a session take its keys in hand."""
    client.ok("CREATE Copies")
    client.ok("SELECT INBOX")
    for number, word in enumerate(words, 1):
        assert b"body of " + word.encode() in \
            client.fetch(number, "BODY.PEEK[]")
    client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
    client.ok("SEARCH BODY nowhere")
    client.ok("STORE 1 +FLAGS (Dentist)")
    client.ok("COPY 1:* Copies")
    assert client.append("INBOX", message("appended")).ok


@pytest.mark.parametrize("mode", ["provider", "password"])
@pytest.mark.parametrize("storage", STORAGES)
def test_no_key_in_a_core_image(make_server, storage, mode):
    server = make_server(storage, secret=True)
    given = None
    if mode == "password":
        server.init_password_mode("alice")
        given = tamper.secret_of(server.password("alice"))
    words = ["one", "two", "three"]
    with server.raw("alice") as client:
        for word in words:
            assert client.append("INBOX", message(word)).ok
        client.logout()
    with server.raw("alice") as client:
        use(client, words)
        server.settle_log()     # the earlier session has ended
        pid, = processes.of_group(server.process.pid, "imap")
        held = memory(pid)
        # What Dovecot itself holds, as threats.md says, is found.
        text = tamper.read(server.keyfile).strip()
        assert any(text in part for part in held)
        known = secrets(server, "alice", given)
        assert len(known) > 8
        client.logout()
    assert [what for what, key in known.items()
            if any(key in part for part in held)] == []
