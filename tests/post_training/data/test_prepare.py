"""Latents and texts of clips: computed once, kept by content, and a receipt for every clip."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from its_core import storage, video
from its_core.clip import Geometry
from its_core.engines.cosmos.model.text_encoder import TextEncoder
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.engines.cosmos.model.vae import WanVae
from its_core.engines.cosmos.options import CosmosOptions
from its_core.post_training.data import artefacts, receipts, training_set
from its_core.post_training.data.artefacts import ArtefactStore
from its_core.post_training.data.clips import Refusal, SourceClip
from its_core.post_training.data.prepare import prepare_clip, prepare_texts
from its_core.storage.input_cache import InputCache

SMALL = Geometry(96, 48, 10, 61)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> CosmosOptions:
    folder = tmp_path_factory.mktemp("checkpoints")
    make_tiny_checkpoint(folder)
    return CosmosOptions(model_size="tiny", resolution="480", fps=10, checkpoints_dir=str(folder))


@pytest.fixture(scope="module")
def vae(options: CosmosOptions) -> WanVae:
    return WanVae(options.folders.vae, CPU, torch.float32)


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(tmp_path / "artefacts", SMALL, (96, 48), "a" * 64, "b" * 64)


@pytest.fixture
def cache(tmp_path: Path) -> InputCache:
    return InputCache(tmp_path / "cache", 1 << 30)


def clip(path: Path, frames: int = 61, fps: int = 10, size_px: tuple[int, int] = (96, 48)) -> SourceClip:
    width, height = size_px
    wall = np.random.default_rng(frames).integers(30, 220, (height // 8, width // 8, 3))
    picture = np.kron(wall, np.ones((8, 8, 1))).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    video.write_mp4(path, (np.roll(picture, n, 1) for n in range(frames)), Geometry(width, height, fps, frames))
    return SourceClip(path.stem, str(path), f"caption of {path.stem}", "normal", "train")


def test_a_clip_is_encoded_as_inference_encodes_its_input(
    tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache
) -> None:
    made = clip(tmp_path / "one.mp4")
    receipt = prepare_clip(made, store, vae, cache, tmp_path / "receipts")
    assert (receipt.outcome, receipt.windows, receipt.resampled, receipt.fps) == ("prepared", (0,), False, 10.0)
    assert receipt.video_sha256 is not None
    latents = artefacts.read(store.latents_path(receipt.video_sha256, None), artefacts.window_name(0))
    assert latents.shape == (16, 16, 6, 12)
    frames = np.stack(list(video.read_frames(tmp_path / "one.mp4")))
    assert torch.allclose(latents.float(), vae.encode(frames)[0], atol=2e-3, rtol=2e-3)


def test_what_is_there_is_not_computed_again(
    tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = clip(tmp_path / "one.mp4", frames=70)
    first = prepare_clip(made, store, vae, cache, tmp_path / "receipts")
    assert first.windows == (0, 9)

    def never(*_: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(WanVae, "encode", never)
    again = prepare_clip(made, store, vae, cache, tmp_path / "receipts")
    assert again.windows == first.windows
    copied = SourceClip("other", made.video_url, "another caption", "incident", "train")
    assert prepare_clip(copied, store, vae, cache, tmp_path / "receipts").windows == first.windows


def test_other_weights_or_another_size_have_other_artefacts(store: ArtefactStore) -> None:
    paths = {
        store.latents_path("c" * 64, None),
        store.latents_path("d" * 64, None),
        store.latents_path("c" * 64, 1.5),
        ArtefactStore(store.folder, SMALL, (96, 48), "c" * 64, "b" * 64).latents_path("c" * 64, None),
        ArtefactStore(store.folder, SMALL, (192, 96), "a" * 64, "b" * 64).latents_path("c" * 64, None),
    }
    assert len(paths) == 5


def test_a_clip_that_cannot_be_used_is_refused_in_its_receipt(
    tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache
) -> None:
    broken = clip(tmp_path / "broken.mp4")
    content = (tmp_path / "broken.mp4").read_bytes()
    (tmp_path / "broken.mp4").write_bytes(content[: len(content) // 2])
    gone = SourceClip("gone", str(tmp_path / "gone.mp4"), "caption", "normal", "train")
    short = clip(tmp_path / "short.mp4", frames=60)
    found = [prepare_clip(each, store, vae, cache, tmp_path / "receipts") for each in (broken, gone, short)]
    assert [receipt.outcome for receipt in found] == ["refused"] * 3
    assert [receipt.code for receipt in found] == [
        "post_training.clip.unreadable",
        "post_training.clip.missing",
        "post_training.clip.too_short",
    ]
    assert [receipts.read(tmp_path / "receipts", receipt.name) for receipt in found] == found


def test_footage_of_other_rates_and_sizes_is_brought_to_the_models(
    tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache
) -> None:
    receipt = prepare_clip(clip(tmp_path / "fast.mp4", 190, 30, (128, 96)), store, vae, cache, tmp_path / "receipts")
    assert (receipt.resampled, receipt.fps, receipt.size_px) == (True, 30.0, (128, 96))
    assert receipt.windows == (0, 3)
    usual = clip(tmp_path / "usual.mp4")
    clips = [SourceClip("fast", str(tmp_path / "fast.mp4"), "caption", "normal", "train"), usual]
    made = training_set.of_receipts(
        clips, [receipt, prepare_clip(usual, store, vae, cache, tmp_path / "receipts")], [], store, "negative"
    )
    assert made.adapted(SMALL) == [
        "resampled from 30 to 10 fps: 1 clips",
        "scaled and cropped from 128×96 to 96×48: 1 clips",
    ]


def test_a_disk_that_is_full_ends_the_run(tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache) -> None:
    made = clip(tmp_path / "one.mp4")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(storage.DiskFull) as caught:
            prepare_clip(made, store, vae, cache, tmp_path / "receipts")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.code == "storage.disk_full"
    assert not list((tmp_path / "artefacts").rglob("*.safetensors"))


def test_texts_are_embedded_once(store: ArtefactStore, options: CosmosOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TextEncoder(options.folders.text_encoder, 32, CPU, torch.float32)
    prepare_texts(["one", "two", "one"], store, encoder)
    text = artefacts.read(store.text_path("one"), "text")
    assert torch.equal(text, encoder.without_padding("one"))
    learnt: list[str] = []
    monkeypatch.setattr(TextEncoder, "learn", lambda _, texts: learnt.extend(texts))
    prepare_texts(["one", "two"], store, encoder)
    assert learnt == []


def test_a_training_set_says_what_it_holds(
    tmp_path: Path, store: ArtefactStore, vae: WanVae, cache: InputCache
) -> None:
    clips = [clip(tmp_path / "one.mp4"), SourceClip("gone", str(tmp_path / "gone.mp4"), "text", "incident", "validate")]
    prepared = [prepare_clip(each, store, vae, cache, tmp_path / "receipts") for each in clips]
    refusals = [Refusal("mute", "post_training.clip.no_caption", "no caption")]
    made = training_set.of_receipts(clips, prepared, refusals, store, "negative")
    assert made.counts() == {
        "train normal": 1,
        "refused post_training.clip.missing": 1,
        "refused post_training.clip.no_caption": 1,
    }
    training_set.write(tmp_path / "set.json", made)
    assert training_set.read(tmp_path / "set.json") == made
    renamed = training_set.of_receipts(
        [SourceClip("one", clips[0].video_url, "another caption", "normal", "train")],
        prepared[:1],
        [],
        store,
        "negative",
    )
    assert renamed.sha256 != made.sha256
    with pytest.raises(training_set.NotPrepared):
        training_set.read(tmp_path / "nothing.json")
