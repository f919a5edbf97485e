"""``its reproduce``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.versions import version_of

from its_core import definition as definitions

_EXAMPLES = """
Examples:

    its reproduce published/quickstart 5b7ccc46d2a1a3c0f1e2d3c4

    its reproduce published/crossings 5b7ccc46d2a1a3c0f1e2d3c4 --definition datasets/crossings --frame frames/bridge.jpg
"""


@app.command(epilog=_EXAMPLES, rich_help_panel="Published versions")
def reproduce(
    version: Annotated[str, typer.Argument(help="A published version, or a dataset (its latest version).")],
    clip_id: Annotated[str, typer.Argument(help="The clip.")],
    definition: Annotated[str | None, typer.Option(help="Take the engine's options from this definition.")] = None,
    frame: Annotated[Path | None, typer.Option(help="The frame that the clip starts from.", exists=True)] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the new clip in this folder.")] = None,
) -> None:
    """Render a published clip again, and say whether the bytes match."""
    from its_core.dataset.reproduction import reproduce as render_again

    with errors_in_a_line(), tempfile.TemporaryDirectory(prefix="its-reproduce-") as temporary:
        folder = Path(temporary) if keep is None else keep
        options = None if definition is None else definitions.load(definition).engine.options
        found = render_again(version_of(version), clip_id, folder, options, frame)
    match found.same:
        case "bytes":
            out.print(f"the bytes match: SHA-256 {found.rendered_sha256}", highlight=False)
        case "pictures":
            out.print("every picture matches; the files differ, as signed files do", highlight=False)
        case "neither":
            out.print(f"the pictures differ from frame {found.first_difference} on", highlight=False)
            raise typer.Exit(1)
