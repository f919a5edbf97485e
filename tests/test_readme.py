"""README keeps up with the code: every key, column, word and command is in it."""

from pathlib import Path

import pytest
from its_flows.cli.main import app

from its_core import taxonomy
from its_core.clip import Outcome
from its_core.definition import Definition
from its_core.scenarios.manifest.columns import KNOWN

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
KEYS = sorted(name for name, field in Definition.model_fields.items() if not field.exclude)
WORDS = [
    word.value
    for name in ("IncidentType", "CollisionType", "ParticipantType", "Role", "Weather", "Light", "RoadLayout")
    for word in getattr(taxonomy, name)
]
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("name", [*KEYS, *sorted(KNOWN), *WORDS, *(outcome.value for outcome in Outcome)])
def test_every_key_column_word_and_receipt_is_in_the_readme(name):
    assert f"`{name}" in README


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command):
    assert f"its {command}" in README
