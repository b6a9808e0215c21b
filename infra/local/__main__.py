"""``make run``: the whole of formrelay on this machine. See docs/local-stack.md."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import shlex
import signal
import sys
import uuid
from pathlib import Path

from infra.local import demo_project
from infra.local.config import Config, ConfigError, kept_password, read_config
from infra.local.deploy import DeployError
from infra.local.emulator_process import EmulatorError
from infra.local.lock import Lock, LockedError
from infra.local.supervisor import AccountError, Supervisor
from infra.local.template import TemplateError


class StartError(Exception):
    """The stack does not start; the message is the one line that the user sees."""


def main() -> int:
    """Run until Ctrl-C; returns the exit status."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = (
        "*"  # everything that this process talks to is on loopback
    )
    try:
        config = read_config()
        _set_up_logging(config)
        config.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with Lock(config.state / "lock"):
            return asyncio.run(_run(config))
    except LockedError:
        return _fail("this state folder is in use by another local stack (FORMRELAY_STATE chooses another)")
    except (ConfigError, StartError, TemplateError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"the state folder cannot be used: {error}")


async def _run(config: Config) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    supervisor = Supervisor(config)
    running = asyncio.ensure_future(_bring_up(config, supervisor))
    waiting = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
            return 130
        running.result()
        ended = asyncio.ensure_future(supervisor.emulator_ended())
        await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            return _fail(f"the AWS emulator stopped unexpectedly; see {supervisor.emulator.log}")
        _say("stopping …")
        return 0
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(running, return_exceptions=True)
        waiting.cancel()
        await supervisor.stop()


async def _bring_up(config: Config, supervisor: Supervisor) -> None:
    try:
        await supervisor.start()
        password = kept_password(config)
        key = await supervisor.ensure_account(password)
    except OSError as error:
        raise StartError(
            f"port {config.port} is in use: stop what listens there, or choose another with PORT"
            if error.errno == errno.EADDRINUSE
            else str(error)
        ) from error
    except (EmulatorError, DeployError, AccountError) as error:
        raise StartError(str(error)) from error
    project = await asyncio.to_thread(_demo, config, key)
    if not await asyncio.to_thread(demo_project.signs_in, config.url, config.user, password):
        _say(f"formrelay: the account {config.user} was made with another password and keeps that one")
    _announce(config, password, key, project)
    supervisor.warm_up()


def _demo(config: Config, key: str) -> str | None:
    """The uid of the demo project, made on the first start."""
    marker = config.state / "demo"
    if marker.exists():
        return marker.read_text().strip() or None
    if not config.demo:
        return None
    try:
        uid = demo_project.prepare(demo_project.Client(config.url, key), config.url)
    except demo_project.DemoError as error:
        _say(f"no demo project: {error}")
        return None
    marker.write_text(uid + "\n")
    return uid


def _announce(config: Config, password: str, key: str, project: str | None) -> None:
    login = f"{config.user}:{password}"
    lines = [
        f"formrelay is ready on {config.url}",
        f"  account   {config.user}, password {password}",
        f"  API key   {key}",
        f"  mail box  {config.url}/_local/mail",
        f"  state     {_shown(config.state)} (logs in {_shown(config.state / 'logs')})",
    ]
    if project is not None:
        answers = {"consent": "yes", "comment": "first light", "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}}
        body = json.dumps({"id": project, "submission": answers})
        lines += [
            f"  demo      project {project}, delivered to {config.url}{demo_project.SINK}",
            "Send it a submission:",
            f"  curl -u {shlex.quote(login)} -H 'Content-Type: application/json' \\",
            f"    -d {shlex.quote(body)} {config.url}/submission",
        ]
    else:
        lines += [
            "Try:",
            f"  curl -H 'Authorization: Token {key}' '{config.url}/api/v2/assets/?format=json'",
        ]
    lines += ["For the tour in the README:", f"  export BASE={config.url}", f"  export KEY={key}"]
    _say("\n".join(lines))


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _set_up_logging(config: Config) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    if config.verbose:
        logging.getLogger("front").setLevel(logging.DEBUG)


def _say(text: str) -> None:
    print(text, flush=True)


def _fail(text: str) -> int:
    print(f"formrelay: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
