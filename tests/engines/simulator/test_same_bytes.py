"""The same clip on every x86-64 processor: nothing whose last bit depends on one may feed a pixel."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines import simulator
from its_core.engines.simulator import engine
from its_core.taxonomy import IncidentType, Light, RoadLayout, Weather

ROOT = Path(__file__).parents[3]
SOURCE = Path(simulator.__file__).parent
# NumPy picks these by the processor's vector units, the C library by whether it has fused multiplication.
NUMPY = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin",
    "arccos", "arctan", "arctan2", "hypot", "power", "float_power", "cbrt", "einsum", "matmul", "dot", "vdot", "inner",
    "outer", "tensordot", "linalg", "fft",
}  # fmt: skip
MATH = {
    "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "pow",
    "cosh", "sinh", "tanh",
}  # fmt: skip
RANDOM = {"normal", "standard_normal", "exponential", "gamma", "beta", "lognormal", "poisson"}  # of NumPy's generators
FILTERS = {"gaussian_filter", "gaussian_filter1d", "rotate", "zoom", "affine_transform"}

SCENES = (
    (Light.DAY, Weather.CLEAR, RoadLayout.FOUR_WAY_INTERSECTION),
    (Light.NIGHT, Weather.RAIN, RoadLayout.URBAN_STREET),
    (Light.DUSK, Weather.SNOW, RoadLayout.HIGHWAY),
)
DIGESTS = "from tests.engines.simulator.test_same_bytes import digests; print(*digests())"
# As if the processor had no AVX2, no FMA and no AVX-512.
PLAIN_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "x86-64",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Prescott",
    "JSIMD_FORCENONE": "1",  # libjpeg-turbo
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F,-AVX512VL,-AVX2_Usable,-FMA_Usable",
}


def _wrong_uses(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            wrong = {"np": NUMPY, "numpy": NUMPY, "math": MATH, "ndimage": FILTERS}.get(owner, set())
            if name in wrong or (owner.endswith("rng") and name in RANDOM):
                found.append(f"line {node.lineno}: {owner}.{name}")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            found.append(f"line {node.lineno}: a matrix product by @")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not isinstance(node.left, ast.Constant):
            exponent = node.right.value if isinstance(node.right, ast.Constant) else None
            if not isinstance(exponent, int):
                found.append(f"line {node.lineno}: a power that is not whole")
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_function_that_depends_on_the_processor_is_used(path: Path) -> None:
    assert _wrong_uses(ast.parse(path.read_text())) == []


def test_the_search_finds_what_it_looks_for() -> None:
    text = "np.exp(x); math.sin(y); rng.normal(); a @ b; x**0.5; x**2; ndimage.gaussian_filter(x, 1); 2**n"
    assert len(_wrong_uses(ast.parse(text))) == 6


def digests() -> list[str]:
    """Of the frames and labels of a clip of each scene."""
    made = engine.load(engine.parse_options({}, "480", 16))
    found = []
    for light, weather, layout in SCENES:
        scene = Scene("bytes", IncidentType.NORMAL_TRAFFIC, light=light, weather=weather, road_layout=layout)
        clip = made.generate(ClipRequest("clip", "row", 0, 3, "", "", 7.0, Geometry(192, 112, 16, 17), scene))
        digest = hashlib.sha256(b"".join(frame.tobytes() for frame in clip.frames))
        assert clip.annotations is not None
        digest.update(clip.annotations.model_dump_json().encode())
        found.append(digest.hexdigest())
    return found


@pytest.mark.slow
def test_a_plain_processor_makes_the_same_frames_and_labels() -> None:
    command = [sys.executable, "-c", DIGESTS]
    # Nearly all of its time goes into compiling the kernels for that processor.
    environment = os.environ | PLAIN_PROCESSOR
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as plain:
        here = digests()
        text, _ = plain.communicate()
    assert len(set(here)) == 3
    assert text.split() == here
