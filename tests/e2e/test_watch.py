# SPDX-License-Identifier: MIT
"""What watches a server: each thing that Roost does is counted by the metrics of
packaging/conf, which are read as OpenMetrics over HTTP. Dashboard and alerts in
packaging/watch ask for those, and for no others.

promtool belongs to Debian's package prometheus; where it is not installed, the
alerts are only compared with the metrics.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import prometheus_client.openmetrics.parser as openmetrics
import prometheus_client.parser as prometheus
import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="metrics of Roost")

PACKAGING = os.path.join(servers.TOP, "packaging")
CONF = os.path.join(PACKAGING, "conf", "%d.%d" % servers.MAJOR,
                    "enable-metrics.conf")
LISTENER = """
service stats {
  inet_listener http {
    %s = 127.0.0.1
    port = %d
  }
}
"""
CANARY = "QvarNix7301"
MESSAGE = ("From: %s@sender.example\r\nSubject: %s\r\n\r\nof %s\r\n" % (
    (CANARY,) * 3)).encode()
PROMTOOL = shutil.which("promtool")


def text_of(*path):
    with open(os.path.join(PACKAGING, *path)) as file:
        return file.read()


def metrics_of(major):
    """Returns the names of the metrics of a Dovecot's configuration."""
    return re.findall(r"^metric (\w+) \{$",
                      text_of("conf", major, "enable-metrics.conf"), re.M)


class Watched:
    """A server with the metrics and a listener for them; bob's keyring is in
    password mode."""

    def __init__(self, make_server):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        with open(CONF) as file:
            self.server = make_server(secret=True, extra=file.read() +
                                      LISTENER % ("listen" if servers.NEW else
                                                  "address", self.port))
        self.shown = self.counters()

    def scrape(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port,
                                    timeout=30) as answer:
            kind = answer.headers["Content-Type"]
            assert kind.startswith("application/openmetrics-text"), kind
            return answer.read().decode()

    def samples(self):
        """Returns {(name, labels): value} of what is shown now."""
        return {(sample.name, tuple(sorted(sample.labels.items()))):
                sample.value for family in parsed(self.scrape())
                for sample in family.samples}

    def counters(self):
        """Returns {metric: count} without those that have labels."""
        return {name[len("dovecot_"):-len("_total")]: int(value)
                for (name, labels), value in self.samples().items()
                if name.endswith("_total") and not labels and
                not name.endswith("_duration_seconds_total")}

    def labelled(self, name, label):
        return {dict(labels)[label]: int(value) for (found, labels), value
                in self.samples().items()
                if found == "dovecot_%s_total" % name and labels}

    def grown(self):
        return {name: value - self.shown[name] for name, value in
                self.counters().items() if value != self.shown[name]}

    def expect(self, **wanted):
        """Waits until the counters have grown by as much as wanted since the
        last call, and no other one has: an event reaches the process that
        counts a little later."""
        deadline = time.monotonic() + 20
        while self.grown() != wanted:
            assert time.monotonic() < deadline, self.grown()
            time.sleep(0.05)
        time.sleep(0.3)
        assert self.grown() == wanted
        self.shown = self.counters()

    def deliver(self, user, code=250):
        assert self.server.deliver(MESSAGE, user)[0][0] == code

    def read(self, user):
        """Tells whether the only message can be read."""
        with self.server.raw(user) as client:
            client.ok("SELECT INBOX")
            answer = client.cmd("FETCH 1 BODY.PEEK[TEXT]")
            client.logout()
        return answer.ok and CANARY.encode() in b"".join(answer.untagged)

    def reader(self, user):
        return tamper.Reader(self.server, user)


def parsed(text):
    """Returns the families of a scrape. Dovecot's sums over the groups of a
    metric are named as OpenMetrics has it of no counter, so that they are left
    out for this strict parser; Prometheus takes them."""
    grouped = r"^dovecot_roost_\w+_reason_(count|duration_seconds_sum) .*\n"
    return list(openmetrics.text_string_to_metric_families(
        re.sub(grouped, "", text, flags=re.M)))


@pytest.fixture
def watched(make_server):
    return Watched(make_server)


def test_a_day(watched):
    """Each thing that Roost does is counted, once and under its name, though
    nothing is logged of what is no error."""
    server = watched.server
    watched.deliver("alice")
    watched.expect(roost_keyring_made=1, roost_sealed=1, roost_unlocked=1)
    assert watched.read("alice")
    watched.expect(roost_unlocked=1, roost_opened=1)
    server.doveadm("roost", "slot", "add", "-u", "alice", "recovery")
    watched.expect(roost_unlocked=1)
    server.doveadm("roost", "rotate", "-u", "alice")
    watched.expect(roost_keyring_rotated=1)
    server.doveadm("roost", "rotate", "-u", "alice", "--compromised", "--yes")
    watched.expect(roost_keyring_rotated=1, roost_unlocked=1)
    assert "roost_" not in re.sub("roost_[a-z]*[.]", "", server.log_since(0))


def test_password_mode(watched):
    """A delivery has no secret, a login has one, and a command has none: what
    stays locked is counted, and what was refused by it."""
    server = watched.server
    server.init_password_mode("bob")
    watched.expect(roost_keyring_made=1)
    watched.deliver("bob")
    watched.expect(roost_sealed=1, roost_locked=1)
    assert watched.read("bob")
    watched.expect(roost_unlocked=1, roost_opened=1)
    samples = watched.samples()
    assert samples["dovecot_roost_unlock_time_count", ()] == 1
    # Argon2id of 64 MiB takes longer than this on any machine.
    assert samples["dovecot_roost_unlock_time_bucket",
                   (("le", "0.008192"),)] == 0
    server.doveadm("fetch", "-u", "bob", "body", "all", check=False)
    watched.expect(roost_locked=1, roost_refused=1)
    assert watched.labelled("roost_locked_reason", "reason") == {"locked": 2}
    assert watched.labelled("roost_refused_reason", "reason") == {"locked": 1}


def test_a_damaged_message(watched):
    watched.deliver("alice")
    watched.expect(roost_keyring_made=1, roost_sealed=1, roost_unlocked=1)
    tamper.flip(watched.reader("alice").find(CANARY.encode()),
                tamper.AT["chunk-0"] + 1)
    assert not watched.read("alice")
    watched.expect(roost_unlocked=1, roost_refused=1)
    assert watched.labelled("roost_refused_reason", "reason") == \
        {"final-chunk": 1}


def test_plaintext_and_a_keyring_that_is_missing(watched):
    server = watched.server
    watched.deliver("alice")
    watched.expect(roost_keyring_made=1, roost_sealed=1, roost_unlocked=1)
    server.doveadm("roost", "policy", "-u", "alice", "sealed")
    plain = os.path.join(server.home("alice"), "Maildir", "new", "1.plain")
    tamper.write(plain, MESSAGE)
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert not client.cmd("FETCH 2 BODY.PEEK[TEXT]").ok
        client.logout()
    watched.expect(roost_plaintext_seen=1)
    os.unlink(tamper.keyring_path(server, "alice"))
    watched.deliver("alice", 451)
    watched.expect(roost_keyring_missing=1)
    assert not watched.read("alice")
    watched.expect(roost_keyring_missing=1, roost_refused=1)
    assert watched.labelled("roost_refused_reason", "reason") == {"keyring": 1}


def test_old_mail(watched):
    """What is sealed where it lies is counted like what is saved."""
    server = watched.server
    folder = os.path.join(server.home("alice"), "Maildir")
    server.doveadm("mailbox", "status", "-u", "alice", "messages", "INBOX")
    for number in range(3):
        tamper.write(os.path.join(folder, "new", "%d.plain" % number), MESSAGE)
    server.doveadm("roost", "init", "-u", "alice")
    watched.expect(roost_keyring_made=1)
    server.doveadm("roost", "seal", "-u", "alice")
    # To fill the index cache each of them is opened.
    watched.expect(roost_sealed=3, roost_opened=3, roost_unlocked=1)
    server.doveadm("roost", "unseal", "-u", "alice", "--yes-plaintext")
    watched.expect(roost_unlocked=1)


def test_nothing_of_mail_or_users_is_shown(watched):
    """Neither a word of the mail, a keyword nor the name of a user or mailbox is
    in what anybody reads who reaches the port."""
    server = watched.server
    server.doveadm("mailbox", "create", "-u", "alice", CANARY)
    with server.raw("alice") as client:
        client.append(CANARY, MESSAGE, flags=CANARY)
        client.ok("SELECT " + CANARY)
        client.ok("FETCH 1 BODY.PEEK[]")
        client.logout()
    tamper.flip(watched.reader("alice").find(CANARY.encode()),
                tamper.AT["chunk-0"] + 1)
    server.doveadm("fetch", "-u", "alice", "body", "mailbox", CANARY,
                   check=False)
    watched.expect(roost_keyring_made=1, roost_sealed=1, roost_opened=1,
                   roost_refused=1, roost_unlocked=2)
    shown = watched.scrape()
    assert "roost_sealed_total 1\n" in shown
    for word in (CANARY, "alice", "secret", "Maildir", "INBOX"):
        assert word.lower() not in shown.lower(), word


def test_both_formats(watched):
    """The scrape is OpenMetrics, and the older text format of Prometheus."""
    watched.deliver("alice")
    assert not watched.read("bob")
    shown = watched.scrape()
    names = {"dovecot_" + name for name in metrics_of("%d.%d" % servers.MAJOR)}
    assert names <= {family.name for family in parsed(shown)}
    assert names <= {re.sub("_total$", "", family.name) for family in
                     prometheus.text_string_to_metric_families(shown)}
    if PROMTOOL:
        # That format does not know one type, of a line about Dovecot itself.
        # A name that it finds unusual is a complaint, with the status 3.
        done = promtool("check", "metrics", status=(0, 3), input=shown.replace(
            "# TYPE dovecot_build info\n", ""))
        assert "error while linting" not in done


# Dashboard and alerts

def promtool(*args, status=(0,), input=None):
    """Runs promtool; returns what it says."""
    done = subprocess.run([PROMTOOL, *args], input=input, check=False,
                          universal_newlines=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode in status, done.stdout
    return done.stdout



def asked(text):
    """Returns the names that a dashboard or rules ask for."""
    return set(re.findall(r"\bdovecot_\w+", text))


def test_both_majors_have_the_same_metrics():
    assert metrics_of("2.3") == metrics_of("2.4")
    assert len(metrics_of("2.3")) == len(set(metrics_of("2.3"))) > 10
    for major in "2.3", "2.4":
        assert "\n#!include_try /usr/share/dovecot/roost/enable-metrics.conf" \
            "\n" in text_of("conf", major, "11-roost.conf")


def exported(name):
    """What Prometheus stores of a metric for a dashboard to ask for."""
    return "dovecot_%s_%s" % (name, "bucket" if name == "roost_unlock_time"
                              else "total")


def test_the_dashboard_shows_all_of_them_and_nothing_else():
    text = text_of("watch", "grafana.json")
    board = json.loads(text)
    assert asked(text) == set(map(exported, metrics_of("2.3")))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"])
              for panel in board["panels"]]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in board["panels"]}) == len(places)


def test_alerts_ask_for_what_there_is():
    names = asked(text_of("watch", "alerts.yml"))
    assert names <= set(map(exported, metrics_of("2.3")))
    assert {exported("roost_" + name) for name in (
        "refused", "locked", "plaintext_seen", "keyring_missing")} <= names


# What the metrics are for two days, each five minutes, and what then fires. From
# step 300 on something happens.
QUIET = {"dovecot_roost_%s_total" % name: "0x400" for name in (
    "refused", "plaintext_seen", "object_changed", "keyring_missing")}
# Deliveries in password mode.
QUIET["dovecot_roost_locked_total"] = "0+5x400"
for bucket in "1.048576", "8.388608", "+Inf":
    QUIET['dovecot_roost_unlock_time_bucket{le="%s"}' % bucket] = "0+10x400"
ONCE = "0x299 1x100"
SLOW = 'dovecot_roost_unlock_time_bucket{le="1.048576"}'
CASES = [
    ({}, set()),
    ({"dovecot_roost_refused_total": ONCE}, {"RoostRefused"}),
    ({"dovecot_roost_plaintext_seen_total": ONCE}, {"RoostPlaintextSeen"}),
    ({"dovecot_roost_object_changed_total": ONCE}, {"RoostObjectChanged"}),
    ({"dovecot_roost_keyring_missing_total": ONCE}, {"RoostKeyringMissing"}),
    ({"dovecot_roost_locked_total": "0+5x299 1500+100x100"},
     {"RoostLockedRising"}),
    ({"dovecot_roost_locked_total": "0+100x400"}, set()),
    ({"dovecot_roost_locked_total": "0x299 0+2x100"}, set()),
    ({"dovecot_roost_locked_total": "_x200 0+100x200"}, set()),
    ({SLOW: "0+10x299 3000+1x100"}, {"RoostUnlockSlow"}),
    ({name: None for name in QUIET}, {"RoostNotWatched"}),
]


def rules_test(case):
    series, firing = case
    merged = {name: values for name, values in {**QUIET, **series}.items()
              if values is not None}
    merged = {name.replace("}", ',instance="mx"}') if "{" in name else
              name + '{instance="mx"}': values
              for name, values in merged.items()}
    return {
        "interval": "5m",
        "input_series": [{"series": name, "values": values}
                         for name, values in merged.items()],
        "promql_expr_test": [{
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": "%dm" % (
                5 * (309 if "RoostUnlockSlow" in firing else 302)),
            "exp_samples": [{"labels": '{alertname="%s"}' % name, "value": 1}
                            for name in sorted(firing)]}]}


@pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed")
def test_alerts_fire(tmp_path):
    rules = os.path.join(PACKAGING, "watch", "alerts.yml")
    assert "7 rules found" in promtool("check", "rules", rules)
    # JSON is YAML.
    path = tmp_path / "rules-test.yml"
    path.write_text(json.dumps({
        "rule_files": [rules], "evaluation_interval": "5m",
        "tests": [rules_test(case) for case in CASES]}))
    assert "SUCCESS" in promtool("test", "rules", str(path))
