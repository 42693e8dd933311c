"""For pytest's `-p tests.noskips`: a test that is skipped fails the run.

Tests skip where a machine lacks something (root, packages, a toolchain). Where all of that is there, a skip
would be a gate that cannot fail.
"""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which were skipped, the reasons of which stand above."""
    for report in terminalreporter.stats.get("skipped", ()):
        terminalreporter.write_line(f"FAILED for being skipped: {report.nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session; with lanes (xdist) the controller alone has the reports."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
