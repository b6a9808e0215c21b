"""Brings the parts of a local stack up in order, and down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from pathlib import Path

from infra.local import processes
from infra.local.config import CREDENTIALS, HOST, REGION, Config
from infra.local.deploy import Deployment, checkpoint
from infra.local.emulator_process import EmulatorProcess
from infra.local.expressions import Expressions
from infra.local.front import LIMITS, Front, refusal
from infra.local.functions import Function
from infra.local.invoke_api import InvokeApi
from infra.local.mailbox import Mailbox
from infra.local.messages import Request, Response
from infra.local.pages import json_response
from infra.local.poller import Poller, Source
from infra.local.routes import RouteTable
from infra.local.schedules import Timer
from infra.local.sink import Sinks
from infra.local.sqs import Queues
from infra.local.template import FunctionSpec, Template, read_template
from infra.local.webserver import Limits, Server, bound_socket
from infra.local.worker import MAX_EVENT, Launch

log = logging.getLogger("supervisor")

# Processes started ahead and at most, by the logical id of the function. Two take in and two deliver; what waits for
# hooks may have more, as many as the template's lanes have together.
PROCESSES = {
    "IngestFunction": (2, 3),
    "DeliverFunction": (2, 8),
    "ApiFunction": (1, 3),
    "OpenrosaFunction": (1, 2),
    "RecoverFunction": (1, 1),
}
DEFAULT_PROCESSES = (0, 2)
# Seconds that work in hand gets when the stack stops.
GRACE = 3.0
LOG_CHECK = 30.0


class AccountError(Exception):
    """The first account cannot be made; the message says why."""


class Supervisor:
    """One local stack. ``start`` returns when it takes requests; ``stop`` ends everything it started."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.template: Template = read_template(
            config.template, lambda document: Expressions(document, config.parameters)
        )
        self.emulator = EmulatorProcess(config)
        self._functions: dict[str, Function] = {}
        self._settings: dict[str, str] = {}
        self._pollers: list[Poller] = []
        self._timers: list[Timer] = []
        self._deployed = False
        self._front: Server | None = None
        self._invoke: Server | None = None
        self._queues: Queues | None = None
        self._housekeeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring everything up. Raises OSError when the port is taken, EmulatorError, DeployError, TemplateError."""
        listener = bound_socket(HOST, self.config.port)
        try:
            await self.emulator.start()
            deployment = Deployment(self.config, self.template, self.emulator.url)
            await asyncio.to_thread(deployment.run)
            self._deployed = True
            await self._start_functions(deployment)
            self._settings = deployment.environment(self.template.functions["ApiFunction"])
            self._front = Server(self._make_front().handle, LIMITS, refusal)
            await self._front.start_on(listener)
        except BaseException:
            listener.close()
            raise
        self._start_sources(deployment)
        self._housekeeping = asyncio.ensure_future(self._trim_logs())

    async def ensure_account(self, password: str) -> str:
        """Make the first account if it is missing; returns its API key. Raises AccountError."""
        launch = self._function("ApiFunction").launch
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(Path(__file__).with_name("account.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=launch.variables("none"),
            start_new_session=True,
        )
        wanted = {"username": self.config.user, "password": password, "email": self.config.email}
        out, trouble = await process.communicate(json.dumps(wanted).encode())
        if process.returncode != 0:
            last = trouble.decode(errors="replace").strip().splitlines()[-1:]
            raise AccountError(f"the account cannot be made: {' '.join(last)}")
        answer = json.loads(out)
        if "key" not in answer:
            raise AccountError(
                f"the account cannot be made: {json.dumps(answer['error'], ensure_ascii=False)}"
            )
        return str(answer["key"])

    def warm_up(self) -> None:
        """Start, in the background, also the functions that are not needed at once."""
        for function in self._functions.values():
            function.start_ahead(1)

    async def emulator_ended(self) -> None:
        """Return when the emulator is gone, which a stack does not survive."""
        if self.emulator.process is not None:
            await self.emulator.process.wait()

    async def stop(self) -> None:
        """End everything, letting work in hand finish."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        if self._front is not None:
            await self._front.stop(GRACE)
        await asyncio.gather(
            *(timer.stop() for timer in self._timers), *(poller.stop(GRACE) for poller in self._pollers)
        )
        if self._invoke is not None:
            await self._invoke.stop(GRACE)
        await asyncio.gather(*(function.stop(GRACE) for function in self._functions.values()))
        if self._queues is not None:
            self._queues.close()
        if self._deployed:
            with contextlib.suppress(OSError):  # what it cannot save any more, recovery brings back
                await asyncio.to_thread(checkpoint, self.emulator.url)
        await self.emulator.stop()

    # Parts

    async def _start_functions(self, deployment: Deployment) -> None:
        by_name: dict[str, Function] = {}
        self._invoke = Server(InvokeApi(by_name).handle, Limits(body=MAX_EVENT + 1024))
        await self._invoke.start(HOST, 0)
        for spec in self.template.functions.values():
            warm, most = PROCESSES.get(spec.id, DEFAULT_PROCESSES)
            function = Function(self._launch(spec, deployment), warm, most)
            self._functions[spec.id] = by_name[spec.name] = function
            function.start_ahead(warm)

    def _launch(self, spec: FunctionSpec, deployment: Deployment) -> Launch:
        assert self._invoke is not None  # noqa: S101 - started before
        environment = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ENDPOINT_URL_LAMBDA": f"http://{HOST}:{self._invoke.port}",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "AWS_EC2_METADATA_DISABLED": "true",
            **deployment.environment(spec),
        }
        return Launch(
            spec, environment, self._log_path(spec), own_loop=bool(os.environ.get("FORMRELAY_OWN_LOOP"))
        )

    def _log_path(self, spec: FunctionSpec) -> Path:
        return self.config.state / "logs" / f"{spec.code.name}.log"

    def _make_front(self) -> Front:
        views = {
            "mail": Mailbox(self.emulator.url).view,
            "sink": Sinks(self.config.state / "sinks").view,
            "health": self._health,
        }
        routes = RouteTable(self.template.routes)
        return Front(routes, self._functions, views, cors=self.template.cors)

    def _start_sources(self, deployment: Deployment) -> None:
        self._queues = Queues(self.emulator.url)
        for mapping in self.template.mappings:
            source = Source(
                url=deployment.lookup(mapping.queue, None),
                arn=deployment.lookup(mapping.queue, "Arn"),
                visibility=deployment.visibility(mapping.queue),
                batch_size=mapping.batch_size,
                partial_failures=mapping.partial_failures,
                concurrency=mapping.concurrency,
            )
            self._pollers.append(Poller(source, self._function(mapping.function), self._queues))
        self._timers = [
            Timer(schedule, self._function(schedule.function)) for schedule in self.template.schedules
        ]
        for poller in self._pollers:
            poller.start()
        for timer in self._timers:
            timer.start()

    def _function(self, logical_id: str) -> Function:
        return self._functions[logical_id]

    async def _health(self, _request: Request) -> Response:
        emulator = self.emulator.process
        pids = {spec.code.name: self._functions[spec.id].pids for spec in self.template.functions.values()}
        return json_response(
            {
                "status": "ok",
                "emulator_url": self.emulator.url,
                "settings": self._settings,
                "pids": {
                    "supervisor": [os.getpid()],
                    "emulator": [emulator.pid] if emulator is not None else [],
                    **pids,
                },
            }
        )

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK)
            for path in (self.config.state / "logs").glob("*.log"):
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(processes.trim_log, path)
