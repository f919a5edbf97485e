"""Scores, baselines and the detector can be imported without Prefect, Panda3D, S3 or pandas."""

import subprocess
import sys

import pytest


@pytest.mark.system
def test_evaluation_needs_nothing_but_torch_pyarrow_av_and_numpy() -> None:
    code = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {
            'prefect', 'panda3d', 'direct', 'pydantic', 'pydantic_core', 'botocore', 'pandas', 'orjson', 'jinja2',
            'PIL', 'scipy', 'imageio', 'yaml', 'typer', 'rich', 'great_expectations', 'cv2', 'sklearn', 'its_flows',
        }:
            raise ImportError(f'{name} is not installed here')
sys.meta_path.insert(0, Blocked())
from its_core.evaluation import baselines, ground_truth, utility
from its_core.evaluation.audit import distributions, shortcuts
from its_core.evaluation.detector import experiments
from its_core.evaluation.scoring import page, score
print('imported')
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "imported", done.stderr
