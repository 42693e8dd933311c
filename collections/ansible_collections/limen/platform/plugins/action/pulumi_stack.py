# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Shows what the engine does while the module pulumi_stack waits for it."""

from __future__ import annotations

import os
import tempfile
import threading
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.limen.platform.plugins.module_utils import pulumi_events

POLL_SECONDS = 0.5
display = Display()


class ActionModule(ActionBase):
    """Runs the module; where it writes its event log on this very machine, reads along."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if not self._is_here() or arguments.get("event_log") or self._task.no_log:
            in_background = self._task.async_val and not self._connection.has_native_async
            done = self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=in_background)
            return {**result, **done}
        with tempfile.TemporaryDirectory(prefix="limen-events-") as folder:
            log = os.path.join(folder, "events")
            with Reader(log, self._show):
                arguments["event_log"] = log
                done = self._execute_module(module_args=arguments, task_vars=task_vars)
        invocation = done.get("invocation", {}).get("module_args", {})
        invocation.pop("event_log", None)
        return {**result, **done}

    def _is_here(self) -> bool:
        """Whether the module runs on the controller, as the same user, and not in the background."""
        local = self._connection.transport in ("local", "ansible.builtin.local")
        return local and not self._play_context.become and not self._task.async_val

    def _show(self, line: str) -> None:
        # Standard error, so that what callbacks print stays what they print.
        display.display(f"    {line}", stderr=True)


class Reader:
    """Reads a growing event log in a thread, while its context lasts, and tells its lines."""

    def __init__(self, path: str, tell: t.Callable[[str], None]) -> None:
        self._path, self._tell = path, tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._started = time.monotonic()

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_exception: t.Any) -> None:
        self._ended.set()
        self._thread.join(5)

    def _follow(self) -> None:
        position, rest = 0, ""
        while True:
            last = self._ended.is_set()
            try:
                with open(self._path, encoding="utf-8", errors="replace") as log:
                    log.seek(position)
                    text = log.read()
                    position = log.tell()
            except OSError:
                text = ""
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                said = pulumi_events.progress(pulumi_events.parse(line))
                if said:
                    self._tell(f"[{time.monotonic() - self._started:4.0f} s] {said}")
            if last:
                return
            self._ended.wait(POLL_SECONDS)
