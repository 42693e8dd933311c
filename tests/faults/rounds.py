"""One round: change the stack, strike, recover, finish the change, and see that everything agrees."""

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults import moments, plans, victims
from tests.faults.moments import Run
from tests.faults.plans import Plan
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

VICTIMS: dict[str, tuple[str, ...]] = {
    "pulumi": ("pulumi",),
    "the provider": ("provider",),
    "the libvirt plugin": ("plugin",),
    "pulumi and the providers": ("pulumi", "provider", "plugin"),
    "limen-api": (),
}


class RoundFailed(Exception):
    """What did not converge; the message holds what was printed on the way."""


@dataclass
class Course:
    """The stack on its way from round to round, and how long its runs take."""

    world: World
    stack: Stack
    write: Callable[[World, Plan], dict[str, Any]]
    most: int
    current: Plan = plans.EMPTY
    usual: dict[bool, Run] = field(default_factory=dict)
    """The last run that went undisturbed, of those that made VMs (True) and of the others."""

    def begin(self) -> None:
        """A first, undisturbed run, which says when later ones may be struck."""
        self._configure(Plan(self.most, True, True))
        run = moments.strike(self._start(), moments.NEVER, list, self.stack.seconds)
        if run.code != 0:
            raise RoundFailed(f"the undisturbed run failed:\n{run.output}")
        self.usual = {True: run, False: run}
        agree(self.world, self.stack)

    def _configure(self, plan: Plan) -> None:
        self.stack.configure(self.write(self.world, plan))
        self.current = plan

    def play(self, chance: random.Random, say: Callable[[str], None]) -> None:
        """One round; raises RoundFailed."""
        story: list[str] = []
        try:
            while not self._strike(chance, say, story):
                story.clear()
            self.world.authority.service.up(self.world.authority.database_env)
            self._recover(say, story)
            done = self.stack.up()
            story.append(f"pulumi up, exit code {done.code}:\n{done.output}")
            if done.code != 0:
                raise RoundFailed("pulumi up failed after `limen recover`")
            agree(self.world, self.stack)
            if left := victims.leftovers(self.world.layout.name):
                raise RoundFailed("processes are left: " + "; ".join(left))
            say(f"  recovered, pulumi up in {done.seconds:.0f} s, all agree")
        except (RoundFailed, AssertionError, TimeoutError) as error:
            raise RoundFailed("\n\n".join([*story, str(error)])) from error

    def _strike(self, chance: random.Random, say: Callable[[str], None], story: list[str]) -> bool:
        """Change the stack and kill something meanwhile; False if the run was over before."""
        plan = plans.draw(chance, self.current, self.most)
        grows = plan.vms > self.current.vms
        victim = chance.choice(list(VICTIMS))
        moment = moments.choose(chance, self.usual[grows].seconds, self.usual[grows].lines)
        say(f"{self.current} -> {plan}: SIGKILL of {victim} at {moment}")
        self._configure(plan)
        run = moments.strike(self._start(), moment, lambda: self._kill(victim), self.stack.seconds)
        story.append(f"pulumi up, struck:\n{run.output}")
        if run.struck:
            say(f"  killed {', '.join(run.struck)}; pulumi ended with {run.code} after {run.seconds:.0f} s")
            return True
        if run.code != 0:
            raise RoundFailed("pulumi up failed though nothing was killed")
        self.usual[grows] = run
        say(f"  it was over before, after {run.seconds:.0f} s; another change")
        return False

    def _start(self) -> "subprocess.Popen[str]":
        return self.stack.start("up", "--yes", "--skip-preview", "--stack", self.stack.name)

    def _kill(self, victim: str) -> list[str]:
        if victim != "limen-api":
            return victims.kill(self.world.layout.name, VICTIMS[victim])
        process = self.world.authority.service.process()
        return victims.kill_process(process.pid) if process else []

    def _recover(self, say: Callable[[str], None], story: list[str]) -> None:
        started = time.monotonic()
        options = ("--cwd", str(self.stack.folder), "--kill-orphans", "--yes")
        recovered = self.world.limen("recover", self.stack.name, *options)
        story.append(f"limen recover, exit code {recovered.code}:\n{recovered.output}")
        if recovered.code != 0:
            raise RoundFailed("`limen recover` failed")
        say(f"  limen recover took {time.monotonic() - started:.0f} s")
