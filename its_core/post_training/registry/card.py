"""The model card, from what ``model.json`` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import yaml


def render(model: dict[str, Any]) -> str:
    """Markdown with the front matter that the Hugging Face hub reads."""
    front = {
        "base_model": f"nvidia/Cosmos-Predict2-{model['base']['model_size']}-Video2World",
        "library_name": "peft",
        "tags": ["lora", "cosmos-predict2", "video2world", "traffic"],
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["cell"] = _cell
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return environment.get_template("model_card.md.j2").render(front=head, **model)


def _cell(value: object) -> str:
    """A value in a table or a line: no markup of its own."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
