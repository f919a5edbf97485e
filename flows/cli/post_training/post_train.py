"""``its post-train`` and ``its training``."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from its_flows.cli.app import app, end_soon_when_interrupted, errors_in_a_line, out, say
from its_flows.prefect_server import server_for_build
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core.shards import watchdog
from its_core.storage.preflight import check_writable

_EXAMPLES = """
Examples:

    its post-train examples/post_train

    its post-train metropolis --set training.iterations=2000 --set activations=offload

    its post-train metropolis --metrics-port 9465
"""


@app.command("post-train", epilog=_EXAMPLES, rich_help_panel="Post-train the model")
def post_train(
    definition: Annotated[str, typer.Argument(help="The definition: a folder with post_train.yaml.")],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key of post_train.yaml; may be repeated."),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Train on a machine of this Ray cluster; auto: this one's.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve the training's metrics for Prometheus meanwhile.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show Prefect's log, and the traceback of an error.")
    ] = False,
) -> None:
    """Train a LoRA on clips and register it as a model. What is there already is not done again."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    with errors_in_a_line(verbose):
        from its_core.post_training.settings import load

        overrides = dict(definitions.parse_override(text) for text in override or [])
        if ray_address is not None:
            overrides |= {"executor": "ray", "ray_address": ray_address}
        settings = load(definition, overrides)  # before Prefect starts: a wrong key is reported at once
        check_writable("work_dir", settings.work_dir)
        watchdog.watch()
        end_soon_when_interrupted()
        if metrics_port is not None:
            typer.echo(_serve(settings, metrics_port))
        with server_for_build(settings.work_path, say) as with_prefect:
            from its_flows.post_train import post_train_with_or_without_prefect as run

            done = run(definition, overrides, with_prefect)
        _print_table(settings)
        model = done.registered
        word = "nothing to do: already registered as" if model.was_there else "registered"
        out.print(f"{word} {model.url}", highlight=False, markup=False, soft_wrap=True)
        out.print(f"use it with dit_path: model:{model.name}@{model.version}", highlight=False, markup=False)


def _serve(settings: Any, port: int) -> str:
    from prometheus_client import CollectorRegistry, start_http_server

    from its_core.post_training.metrics import RunsCollector

    registry = CollectorRegistry()
    registry.register(RunsCollector(settings.name, _runs(settings)))
    server, _ = start_http_server(port, "127.0.0.1", registry)
    return f"http://127.0.0.1:{server.server_port}/metrics"


def _runs(settings: Any) -> dict[str, Any]:
    from its_core.post_training.run_folder import RunFolder

    return {name: RunFolder(settings.work_path / name) for name in ("gate", "run")}


@app.command(epilog="Example: its training examples/post_train", rich_help_panel="Post-train the model")
def training(
    definition: Annotated[str, typer.Argument(help="The definition: a folder with post_train.yaml.")],
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Print it in Prometheus' form instead.")] = False,
) -> None:
    """Show how a post-training stands: loss, validation by noise level, learning rate, seconds, memory."""
    with errors_in_a_line():
        from its_core.post_training.settings import load

        settings = load(definition)
        if prometheus:
            from prometheus_client import CollectorRegistry, generate_latest

            from its_core.post_training.metrics import RunsCollector

            registry = CollectorRegistry()
            registry.register(RunsCollector(settings.name, _runs(settings)))
            typer.echo(generate_latest(registry).decode(), nl=False)
            return
        _print_table(settings)


def _print_table(settings: Any) -> None:
    from its_core.post_training.metrics import progress_of

    table = Table(title=settings.name, title_justify="left")
    table.add_column("")
    columns = {}
    for name, run in _runs(settings).items():
        if run.orders.is_file():
            columns[{"gate": "overfit gate", "run": "training"}[name]] = progress_of(run)
            table.add_column({"gate": "overfit gate", "run": "training"}[name])
    rows: dict[str, list[str]] = {}
    for now in columns.values():
        for name, value in _cells(now).items():
            rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        table.add_row(Text(name), *(Text(value) for value in values))
    out.print(table)


def _cells(now: Any) -> dict[str, str]:
    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.4g}"

    memory = "–" if now.memory_bytes is None else f"{now.memory_bytes / 2**30:.2f}"
    cells = {
        "iterations": f"{now.iterations:,} of {now.of:,}",
        "loss": shown(now.loss),
        "learning rate": shown(now.learning_rate),
        "gradient norm": shown(now.gradient_norm),
        "s an iteration": shown(now.seconds),
        "GPU memory, GiB": memory,
        "validation loss, base model": shown(now.base),
        "validation loss": shown(now.validation),
    }
    return cells | {f"validation loss at sigma {sigma}": shown(loss) for sigma, loss in now.by_sigma.items()}
