"""The command line: reads arguments and settings, and calls the one function behind each command."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.errors import ConfigError, MusterError
from bot.garbage import collect_seldom, importing
from bot.replay.writing import printing

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["main"]

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `muster`; returns the exit code: 0 good, 1 something is wrong, 2 the call's words are."""
    with importing():
        parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        return 2
    options = parser.parse_args(arguments)
    try:
        with printing(sys.stdout):
            result: int = options.run(options)
    except ConfigError as error:
        for problem in error.problems:
            print(f"muster: {problem}", file=sys.stderr)
        _let_go()
        return 1
    except MusterError as error:
        print(f"muster: {error.public}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        return 1
    return result


def _let_go() -> None:
    """Drop what a full disk did not take of our output: Python would try again at its end, and say so in its own words."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    from bot.retros.formats import format_names

    parser = argparse.ArgumentParser(prog="muster", description="Alerts in, a few incidents with rooms out.")
    parser.add_argument("--version", action="version", version=f"muster {version('muster')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="no tokens, no config: the situation room and a story to watch")
    demo.add_argument("--speed", type=_speed, default=1.0, help="2 is twice as fast, 0 posts all at once (default 1)")
    demo.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    demo.add_argument("--port", type=_port, default=8080, help="0 takes a free one (default 8080)")
    demo.add_argument("--verbose", action="store_true", help="log what it does")
    demo.set_defaults(run=_demo)

    run = commands.add_parser("run", help="the real thing; settings come from the environment or .env")
    _add_catalog(run)
    run.set_defaults(run=_run)

    check = commands.add_parser("check", help="validate catalogue and settings; every problem with file and line")
    _add_catalog(check)
    check.add_argument("--schema", action="store_true", help="print the catalogue's JSON Schema, for editors")
    check.add_argument(
        "--live", action="store_true", help="also ask Slack and Discord whether the tokens are right; changes nothing"
    )
    check.set_defaults(run=_check)

    manifest = commands.add_parser("manifest", help="what to paste where an app is made")
    manifest.add_argument("platform", choices=("slack", "discord"))
    manifest.add_argument(
        "--url", default="", metavar="ADDRESS", help="Slack, HTTP mode: where it reaches Muster (default: Socket Mode)"
    )
    manifest.add_argument(
        "--app",
        type=_app,
        metavar="ID",
        help="Discord: the application's id (default: DISCORD_BOT_TOKEN's)",
    )
    manifest.set_defaults(run=_manifest)

    replay = commands.add_parser("replay", help="what the engine makes of a recorded stream")
    replay.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="JSON lines, plain, .gz or .xz; - is standard input"
    )
    _add_catalog(replay)
    replay.add_argument("--output", type=Path, metavar="DECISIONS.jsonl", help="one decision per line of input")
    replay.add_argument("--compare", type=Path, metavar="OTHER_CATALOG", help="what another cookbook would have done")
    replay.add_argument("--plot", type=_picture, metavar="FILE.png|svg", help="a picture: alerts over time, by group")
    replay.add_argument("--rows", choices=("service", "host", "location", "name"), help="what the picture's rows are")
    _add_weights(replay, "how much each kind of evidence weighs, as `muster fit` wrote it")
    replay.set_defaults(run=_replay)

    fit = commands.add_parser(
        "fit", help="learn from what alerts turned out to be how much each kind of evidence weighs"
    )
    fit.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="JSON lines, plain, .gz or .xz; - is standard input"
    )
    fit.add_argument(
        "--database",
        nargs="?",
        const="",
        metavar="URL",
        help="learn from a Muster's own journal and people's merges and splits (default: MUSTER_DATABASE_URL)",
    )
    fit.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="a line per alert: its incident, empty for none, ? where nobody knows (default: the alert's own key `incident` or "
        "`group`)",
    )
    _add_catalog(fit)
    _add_weights(fit, "where to begin")
    fit.add_argument(
        "-o", "--output", type=Path, metavar="WEIGHTS.json", help="where to write it (default: standard output)"
    )
    fit.set_defaults(run=_fit, refuse=fit.error)

    export = commands.add_parser("export", help="a retrospective without chat")
    export.add_argument("incident", metavar="INC-n")
    export.add_argument("--format", default="md", help=f"{', '.join(format_names())} (default md)")
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write it (default: standard output)"
    )
    export.set_defaults(run=_export)
    return parser


def _add_catalog(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalog", type=Path, metavar="FILE", help="the catalogue: a YAML file or a folder of them")


def _add_weights(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--weights", type=Path, metavar="WEIGHTS.json", help=f"{what} (default: what ships)")


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1000")
    return speed


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in {".png", ".svg"}:
        raise argparse.ArgumentTypeError(f"{text!r} should end in .png or .svg")
    return path


def _app(text: str) -> str:
    if not (text.isascii() and text.isdecimal() and 15 <= len(text) <= 20):
        raise argparse.ArgumentTypeError(f"{text!r} is no Application ID: that is a number of 17 to 20 digits")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 65535")
    return int(text)


# Each command imports what it needs: `muster check` should not wait for what only `muster run` uses.


def _demo(options: argparse.Namespace) -> int:
    with importing():
        from bot.demo.command import demo

    _loop(demo(host=options.host, port=options.port, speed=options.speed, out=sys.stdout, verbose=options.verbose))
    return 0


def _run(options: argparse.Namespace) -> int:
    with importing():
        from bot.app import App
        from bot.catalog.store import CatalogStore
        from bot.commands.registry import paths
        from bot.runbooks.actions import parameters
        from bot.settings import load_settings
        from bot.telemetry import configure_logging

    settings = load_settings(os.environ, Path(".env"))
    configure_logging(settings.log_format, settings.log_level)
    catalog = CatalogStore(options.catalog or settings.catalog, actions=parameters(), verbs=paths())

    async def run() -> None:
        async with App(settings, catalog, environment=os.environ) as app:
            await app.run()

    _loop(run())
    return 0


def _check(options: argparse.Namespace) -> int:
    from bot.catalog.check import check, print_schema
    from bot.commands.registry import paths
    from bot.intake.sources import discover
    from bot.runbooks.actions import parameters
    from bot.settings import load_settings

    if options.schema:
        return print_schema(sys.stdout, actions=parameters())
    try:
        settings = load_settings(os.environ, Path(".env"))
        settings.secrets_of(discover())
    except ConfigError as error:
        return check(error, options.catalog, sys.stdout, actions=parameters(), verbs=paths(), environment=os.environ)
    code = check(settings, options.catalog, sys.stdout, actions=parameters(), verbs=paths(), environment=os.environ)
    return max(code, _loop(_look(settings, options.catalog))) if options.live else code


async def _look(settings: Settings, file: Path | None) -> int:
    from bot.catalog.catalog import Catalog
    from bot.catalog.loader import read
    from bot.runbooks.actions import parameters

    catalog = read(file or settings.catalog, actions=parameters()).catalog or Catalog.empty()
    wrong = 0
    if settings.slack_bot_token is None:
        print("note: no SLACK_BOT_TOKEN is set, so Slack is not asked")
    else:
        from bot.chat.slack.live import look

        found = [problem async for problem in look(settings, catalog)]
        wrong += _told(found, "Slack", "Slack lets Muster in, with every scope it needs.")
    if settings.discord_bot_token is None:
        print("note: no DISCORD_BOT_TOKEN is set, so Discord is not asked")
    else:
        from bot.chat.discord.live import look as look_at_discord

        found = [problem async for problem in look_at_discord(settings, catalog)]
        wrong += _told(found, "Discord", "Discord lets Muster in, with every permission it needs.")
    return 1 if wrong else 0


def _told(problems: Sequence[str], platform: str, well: str) -> int:
    """Print them; returns how many there are, notes aside."""
    for problem in problems:
        print(problem)
    wrong = sum(not problem.startswith("note: ") for problem in problems)
    print(f"{platform}: {wrong} wrong." if wrong else well)
    return wrong


def _manifest(options: argparse.Namespace) -> int:
    if options.platform == "slack":
        from bot.chat.slack import manifest as slack

        print(slack.manifest_yaml(options.url), end="")
        return 0
    from bot.chat.discord import manifest as discord
    from bot.settings import load_settings

    app, guild = options.app or "", None
    try:
        settings = load_settings(os.environ, Path(".env"))
    except ConfigError:  # it is told by muster check; an invitation can be had without
        settings = None
    if settings is not None:
        guild = settings.discord_guild_id
        token = settings.discord_bot_token
        app = app or (discord.app_of(token.get_secret_value()) if token is not None else "")
    print(discord.manifest_yaml(app, guild), end="")
    print(f"Open this to let Muster into a server: {discord.invite_url(app, guild)}", file=sys.stderr)
    return 0


def _replay(options: argparse.Namespace) -> int:
    from bot.catalog.loader import load
    from bot.replay.command import Rules, replay, rules
    from bot.replay.weighing import load_weights
    from bot.replay.writing import ending_cleanly

    weights = load_weights(options.weights) if options.weights else None
    own = rules(load(options.catalog), weights) if options.catalog else Rules(weights=weights)
    other = rules(load(options.compare), weights) if options.compare else None
    with ending_cleanly():
        return replay(
            options.files,
            catalog=own,
            compare=other,
            output=options.output,
            plot=options.plot,
            rows=options.rows,
            out=sys.stdout,
            err=sys.stderr,
        )


def _fit(options: argparse.Namespace) -> int:
    from bot.catalog.loader import load
    from bot.replay.command import Rules, rules
    from bot.replay.fit import fit_weights
    from bot.replay.weighing import load_weights
    from bot.replay.writing import ending_cleanly

    if options.files and options.database is not None:
        options.refuse("recorded FILES and --database are two pasts: give one or the other")
    if not options.files and options.database is None:
        options.refuse("learn from what? Give recorded FILES, or --database for a Muster's own past")
    if options.database is not None:
        return _fit_database(options)
    weights = load_weights(options.weights) if options.weights else None
    own = rules(load(options.catalog), weights) if options.catalog else Rules(weights=weights)
    with ending_cleanly():
        return fit_weights(
            options.files,
            truth=options.truth,
            rules=own,
            output=options.output,
            begin=options.weights,
            options=["--catalog", str(options.catalog)] if options.catalog else [],
            out=sys.stdout,
            err=sys.stderr,
        )


def _fit_database(options: argparse.Namespace) -> int:
    from bot.catalog.catalog import Catalog
    from bot.catalog.loader import load
    from bot.replay.fit import fit_database
    from bot.replay.weighing import load_weights
    from bot.settings import load_settings

    if options.truth is not None:
        options.refuse("--truth is for recorded FILES; of --database people's merges and splits are the truth")
    settings = load_settings(os.environ, Path(".env"))
    file, begin = options.catalog or settings.catalog, options.weights or settings.weights
    return _loop(
        fit_database(
            options.database or settings.database_url,
            catalog=load(file) if file else Catalog.empty(),
            weights=load_weights(begin) if begin else None,
            output=options.output,
            out=sys.stdout,
            called="--database" if options.database else "MUSTER_DATABASE_URL",
        )
    )


def _export(options: argparse.Namespace) -> int:
    from bot.retros.export import export
    from bot.settings import load_settings

    settings = load_settings(os.environ, Path(".env"))
    call = export(settings.database_url, options.incident, options.format, options.output, sys.stdout)
    return _loop(call)


def _loop(call: Coroutine[Any, Any, T]) -> T:
    """Run it on the fastest event loop there is, with a garbage collector and a thread switch that suit a storm."""
    collect_seldom()
    # A database's thread waits this long before it asks a busy event loop for the interpreter; with Python's 5 ms, and an
    # event loop that lets go and takes again more often than that, measured up to 45 ms for each statement.
    sys.setswitchinterval(0.0001)
    try:
        import uvloop
    except ImportError:  # not for this platform: the standard one does the same, slower
        return asyncio.run(call)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(call)


if __name__ == "__main__":  # as `python -m bot` does
    sys.exit(main())
