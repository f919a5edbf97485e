"""``its status`` and ``its metrics``."""

from __future__ import annotations

from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out

_STATUS_EXAMPLES = """
Examples:

    its status

    its status datasets/quickstart --json
"""


@app.command(epilog=_STATUS_EXAMPLES, rich_help_panel="Make a dataset")
def status(
    datasets: Annotated[str, typer.Argument(help="A folder of definitions, or one definition.")] = "datasets",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Show all builds: what runs, what is left, what failed and why, and when it may end."""
    from its_flows.monitoring import status as builds

    with errors_in_a_line():
        statuses = builds.survey(datasets)
    if as_json:
        typer.echo(builds.as_json(statuses))
    else:
        builds.show(statuses, out)


_METRICS_EXAMPLES = """
Examples:

    its metrics --port 9464

    its metrics datasets/quickstart --once
"""


@app.command(epilog=_METRICS_EXAMPLES, rich_help_panel="Make a dataset")
def metrics(
    datasets: Annotated[str, typer.Argument(help="A folder of definitions, or one definition.")] = "datasets",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0: any free port.")] = 9464,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0: all of this machine's.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print the metrics once instead.")] = False,
) -> None:
    """Serve the status of all builds for Prometheus: clips, failures, seconds, what is left."""
    from its_flows.monitoring import metrics as exporter

    with errors_in_a_line():
        if once:
            typer.echo(exporter.exposition(datasets), nl=False)
            return
        url, thread = exporter.serve(datasets, host, port)
    typer.echo(url)
    try:
        thread.join()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
