"""What is checked before anything is prepared."""

from __future__ import annotations

import sys

import pytest

from its_core.post_training.errors import PostTrainingError
from its_core.post_training.planning import check_packages


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_packages()
    for name in ("peft", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PostTrainingError) as caught:
        check_packages()
    assert caught.value.code == "post_training.packages"
    assert "peft, tensorboard" in str(caught.value)
