"""Checkpoints of size ``tiny``, made on the spot: the whole path in miniature, for tests and dry runs.

The network and the text encoder are random. The autoencoder is set by hand to average 8×8 pixels and to repeat them,
so that a clip does start with its (blurred) input frame; the rest of it is coloured noise.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.lora import inject_lora
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, PATCH, Video2WorldNetwork
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES

LORA_CHECKPOINT = Path("posttraining/video2world/tiny_metropolis/checkpoints/model/iter_000001000.pt")
BLOCKED_WORDS = ("beheading", "gore", "mutilation")
_RGB, _CONSTANT = slice(0, 3), 3
_CONTRAST = 0.2  # of latents of size 1: noise shall not saturate the colours
_LOUDER = 1.25  # than noise alone: an answer holds the clip too, and the last layer's norm leaves no other way
_LOUD = 20.0  # a constant channel so loud that the RMS norm hardly sees the others


def make_tiny_checkpoint(folder: Path, *, for_training: bool = False) -> Path:
    """Writes every checkpoint of size tiny into ``folder``, laid out like NVIDIA's, and returns the LoRA's path.

    Use it as ``--checkpoints_dir``; the LoRA has the guide's rank, alpha and targets. The same weights every time.
    With ``for_training`` the base network passes on the noise that it sees, as a trained one's answer does for the most
    part; the random one has nothing that a LoRA could build on.

    Raises CheckpointError where the folder holds a real model's parts, which have the same names.
    """
    folder = Path(folder)
    options = CosmosOptions(model_size="tiny", checkpoints_dir=str(folder))
    _refuse_real_parts(options)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = _random_network()
        if for_training:
            _pass_on_noise(network)
        for resolution, natten in (("720", False), ("720", True), ("480", False)):
            for fps in (16, 10):
                changes = {"resolution": resolution, "fps": fps, "natten": natten}
                base = options.model_copy(update=changes).folders.base
                base.parent.mkdir(parents=True, exist_ok=True)
                torch.save({f"net.{key}": value for key, value in network.state_dict().items()}, base)
        _save_vae(options.folders.model / "vae")
        save_random_text_encoder(options.folders.text_encoder, SHAPES["tiny"].text_width)
        words = options.folders.guardrail / "blocklist" / "custom" / "words.txt"
        words.parent.mkdir(parents=True, exist_ok=True)
        words.write_text("\n".join(BLOCKED_WORDS) + "\n", encoding="utf-8")
        lora = folder / LORA_CHECKPOINT
        lora.parent.mkdir(parents=True, exist_ok=True)
        torch.save({f"net.{key}": value for key, value in _with_lora(network, options).items()}, lora)
    return lora


def _refuse_real_parts(options: CosmosOptions) -> None:
    """Text encoder and guardrail of other sizes have the names of tiny ones; only beside a tiny model are they ours."""
    if options.folders.model.exists():
        return
    for part in (options.folders.text_encoder, options.folders.guardrail):
        if part.exists():
            raise CheckpointError(
                f"{part}: is there already and is not of size tiny: name another folder", code="checkpoint.exists"
            )


def _random_network() -> Video2WorldNetwork:
    network = Video2WorldNetwork(SHAPES["tiny"])
    for parameter in network.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    nn.init.normal_(network.final_layer.linear.weight, std=0.02)
    return network


def _pass_on_noise(network: Video2WorldNetwork) -> None:
    """The embedding keeps a patch's latents as they are and the last layer gives them back, the same at all times; the
    random blocks between them disturb that."""
    channels, width = LATENT_CHANNELS, network.shape.width
    embedding: Any = network.x_embedder.proj[1]
    embedding.weight.normal_(std=0.1)
    embedding.weight[:, : channels * PATCH**2] = torch.eye(width, channels * PATCH**2)  # channel, row, column
    last: Any = network.final_layer.linear
    given_back = torch.eye(width).view(width, channels, PATCH, PATCH).permute(2, 3, 1, 0)  # row, column, channel
    last.weight.copy_(_LOUDER * given_back.reshape(PATCH**2 * channels, width))
    modulation: Any = network.final_layer.adaln_modulation[2]
    modulation.weight.zero_()
    shared: Any = network.t_embedder[1]
    shared.linear_2.weight.mul_(0.1)


def _with_lora(network: Video2WorldNetwork, options: CosmosOptions) -> dict[str, Tensor]:
    inject_lora(network, options.lora_rank, options.lora_alpha, options.targets)
    for module in network.modules():
        if isinstance(module, LoraLayer):
            b: Any = module.lora_B["default"]
            nn.init.normal_(b.weight, std=0.02)
    return dict(network.state_dict())


def _save_vae(folder: Path) -> None:
    import diffusers

    kind: Any = diffusers.AutoencoderKLWan
    vae = kind(base_dim=8, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True])
    for name, parameter in vae.named_parameters():
        if not name.endswith("gamma"):
            parameter.zero_()
    mean, std = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
    encoder, decoder = vae.encoder, vae.decoder
    for layer in (vae.quant_conv, vae.post_quant_conv):
        _pass_on(layer)
    _split_signs(encoder.conv_in)
    for block in encoder.down_blocks:
        if hasattr(block, "resample"):
            _average(block.resample[1])
            if hasattr(block, "time_conv"):
                _pass_on(block.time_conv)
    _join_signs(encoder.conv_out, std[_RGB] / _CONTRAST, mean[_RGB])
    _pass_on(decoder.conv_in, (_CONTRAST / std[_RGB]).tolist())
    decoder.conv_in.bias[_RGB] = -_CONTRAST * mean[_RGB] / std[_RGB]
    decoder.conv_in.bias[_CONSTANT] = _LOUD
    for up_block in decoder.up_blocks:
        for resnet in up_block.resnets:
            if isinstance(resnet.conv_shortcut, nn.Conv3d):
                _pass_on(resnet.conv_shortcut)
        for upsampler in up_block.upsamplers or ():
            _pass_on(upsampler.resample[1])
            if hasattr(upsampler, "time_conv"):
                _pass_on(upsampler.time_conv)
                _pass_on(upsampler.time_conv, first_output=8)
    _split_signs(decoder.up_blocks[-1].resnets[0].conv_shortcut, loud=0.0)
    decoder.up_blocks[-1].resnets[0].conv_shortcut.weight[_CONSTANT, _CONSTANT] = 1
    _join_signs(decoder.conv_out, torch.ones(3), torch.zeros(3))
    vae.save_pretrained(folder)


def _centre(layer: nn.Conv2d | nn.Conv3d) -> tuple[int, ...]:
    """The tap on the current frame and pixel: last in time (the layer is causal), middle in space."""
    in_time, in_space = layer.kernel_size[:-2], layer.kernel_size[-2:]
    return (*(n - 1 for n in in_time), *(n // 2 for n in in_space))


def _pass_on(layer: nn.Conv2d | nn.Conv3d, gains: list[float] | None = None, first_output: int = 0) -> None:
    """Channel i of the input becomes channel ``first_output`` + i, times its gain."""
    channels = min(layer.in_channels, layer.out_channels)
    for i, gain in enumerate(gains or [1.0] * channels):
        layer.weight[(first_output + i, i, *_centre(layer))] = gain


def _average(layer: nn.Conv2d) -> None:
    for i in range(layer.in_channels):
        layer.weight[i, i, :2, :2] = 0.25


def _split_signs(layer: nn.Conv3d, loud: float = _LOUD) -> None:
    """RGB in channels 0 to 2 and negated in 4 to 6, because SiLU(v) − SiLU(−v) = v."""
    for i in range(3):
        layer.weight[(i, i, *_centre(layer))] = 1
        layer.weight[(i + 4, i, *_centre(layer))] = -1
    layer.bias[_CONSTANT] = loud  # type: ignore[index]


def _join_signs(layer: nn.Conv3d, gains: Tensor, offsets: Tensor) -> None:
    """Undoes ``_split_signs`` behind an RMS norm over 8 channels and SiLU."""
    for i, gain in enumerate((gains * _LOUD / 8**0.5).tolist()):
        layer.weight[(i, i, *_centre(layer))] = gain
        layer.weight[(i, i + 4, *_centre(layer))] = -gain
    layer.bias[:3] = offsets  # type: ignore[index]


def save_random_text_encoder(folder: Path, width: int) -> None:
    """A shallow T5 of random weights that embeds in ``width``, with a tokenizer that knows single characters."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import T5Config, T5EncoderModel

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(character, -3.0) for character in string.ascii_letters + string.digits + string.punctuation]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast_tokenizer: Any = transformers.T5TokenizerFast  # type: ignore[attr-defined]
    wrapped = fast_tokenizer(
        tokenizer_object=tokenizer, extra_ids=0, eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    config = T5Config(
        vocab_size=len(pieces), d_model=width, d_kv=8, d_ff=2 * width, num_layers=1, num_heads=4, pad_token_id=0
    )
    folder.mkdir(parents=True, exist_ok=True)
    wrapped.save_pretrained(folder)
    T5EncoderModel(config).save_pretrained(folder)
