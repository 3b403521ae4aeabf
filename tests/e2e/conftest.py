# SPDX-License-Identifier: MIT
"""conftest: the servers of tests, which are stopped and removed whatever
happens."""

import os
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402

import corpus  # noqa: E402
import server as servers  # noqa: E402


def pytest_configure(config):
    if not os.environ.get("ROOST_E2E_TMP"):
        pytest.exit("start these tests with tests/e2e/run", returncode=2)
    # SIGTERM stops the servers like an interrupt from the keyboard.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_header(config):
    return "dovecot %s, roost %s, as %s, ROOST_E2E_SEED=%d" % (
        ".".join(map(str, servers.VERSION)),
        "off" if servers.PLAIN else "on",
        "root" if servers.ROOT else "a user", corpus.SEED)


def pytest_runtest_logreport(report):
    """Shows the seed with every failure, so that it can be repeated."""
    if report.failed:
        report.sections.append(("seed", "ROOST_E2E_SEED=%d" % corpus.SEED))


def _factory(request):
    """Returns a function that makes servers. They are stopped and removed when
    the test or the module of the fixture ends."""
    made = []

    def make(storage="maildir", start=True, **options):
        root = tempfile.mkdtemp(prefix="s", dir=os.path.join(
            os.environ["ROOST_E2E_TMP"], "servers"))
        made.append(servers.Server(root, storage, **options))
        return made[-1].start() if start else made[-1]

    def stop_all():
        failure = None
        for server in made:
            server.ask_to_stop()
        for server in made:
            try:
                server.stop()
            except AssertionError as error:
                failure = error
            shutil.rmtree(server.root, ignore_errors=True)
        if failure:
            raise failure

    request.addfinalizer(stop_all)
    return make


@pytest.fixture
def make_server(request):
    return _factory(request)


@pytest.fixture(scope="module")
def make_module_server(request):
    return _factory(request)
