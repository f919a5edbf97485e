"""Clips say that they are synthetic, and signatures hold until a byte changes."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from its_core import marking, storage
from its_core.checks.measures import measure
from its_core.clip import ClipRequest, Outcome
from its_core.engines.engine import Clip, Engine
from its_core.shards.batch import Job
from its_core.shards.progress import RankProgress
from its_core.shards.receipts import clip_files
from its_core.shards.worker.rank import Rank, RankGroup
from its_core.video import write_mp4
from tests.dataset import samples

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(samples.frames(0)), samples.GEOMETRY)
    return path


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for signing, by an authority of our own."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("authority", authority_key, "authority", authority_key, is_authority=True)
    leaf = _certificate("signer", key, "authority", authority_key, is_authority=False)
    pem = serialization.Encoding.PEM
    (tmp_path / "chain.pem").write_bytes(leaf.public_bytes(pem) + authority.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(private)
    monkeypatch.setenv(marking.CERTIFICATE, str(tmp_path / "chain.pem"))
    monkeypatch.setenv(marking.KEY, str(tmp_path / "key.pem"))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    def named(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )

    start = datetime.datetime(2026, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return builder.sign(issuer_key, hashes.SHA256())


def test_every_clip_says_that_it_is_synthetic(clip: Path) -> None:
    before = clip.read_bytes()
    marking.sign_where_configured(clip, "clip", SOURCE_TYPE)

    assert clip.read_bytes() == before  # no key is configured
    assert marking.read(clip) == marking.Mark(says_synthetic=True, signature="none")


@pytest.mark.usefixtures("configured")
def test_a_signed_clip_names_its_source_and_is_a_good_clip(clip: Path) -> None:
    marking.sign_where_configured(clip, "clip", SOURCE_TYPE)

    found = marking.read(clip)
    assert (found.signature, found.digital_source_type, found.says_synthetic) == ("valid", SOURCE_TYPE, True)
    measured = measure(clip, samples.GEOMETRY)
    assert (measured.problem, measured.decoded_frames, measured.faststart) == (None, samples.GEOMETRY.frames, True)


@pytest.mark.usefixtures("configured")
def test_a_signature_is_broken_by_one_byte(clip: Path) -> None:
    marking.sign_where_configured(clip, "clip", SOURCE_TYPE)
    content = bytearray(clip.read_bytes())
    content[-20] ^= 1
    clip.write_bytes(content)

    assert marking.read(clip).signature == "broken"


@pytest.mark.usefixtures("configured")
def test_half_a_configuration_is_refused(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(marking.KEY)

    with pytest.raises(marking.MarkingError) as refused:
        marking.sign_where_configured(clip, "clip", SOURCE_TYPE)

    assert refused.value.code == "marking.incomplete"
    assert marking.KEY in str(refused.value)


def test_a_file_that_is_no_clip_has_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"not a video")

    assert marking.read(path) == marking.Mark(says_synthetic=False, signature="none")


@pytest.mark.usefixtures("configured")
def test_a_worker_signs_its_clips_before_it_hashes_them(tmp_path: Path) -> None:
    engine = _PatternEngine()
    engine.digital_source_type = SOURCE_TYPE
    request = samples.planned(0).request
    job = Job(request, clip_files(tmp_path / "work", request.clip_id))

    Rank(engine, RankGroup(0, 1, 1), "alone", RankProgress(None, 0)).render([job])

    receipt = job.files.read_receipt()
    assert receipt is not None
    assert receipt.clip_sha256 == storage.sha256_file(job.files.video)
    assert (marking.read(job.files.video).signature, receipt.outcome) == ("valid", Outcome.GENERATED)
    assert marking.read(job.files.video).digital_source_type == SOURCE_TYPE


@pytest.mark.usefixtures("configured")
def test_a_key_that_cannot_sign_fails_the_clip(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(marking.KEY, str(tmp_path / "missing.pem"))
    request = samples.planned(0).request
    job = Job(request, clip_files(tmp_path / "work", request.clip_id))

    Rank(_PatternEngine(), RankGroup(0, 1, 1), "alone", RankProgress(None, 0)).render([job])

    receipt = job.files.read_receipt()
    assert receipt is not None
    assert (receipt.outcome, marking.KEY in receipt.reason) == (Outcome.ENGINE_ERROR, True)


class _PatternEngine(Engine):
    def generate(self, request: ClipRequest) -> Clip:
        return Clip(iter(samples.frames(request.seed)), {"engine": "pattern"})
