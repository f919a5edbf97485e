"""How far the network's output is from what it should give."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.network import Output
from its_core.evaluation.detector.samples import Batch

_RARE = 20  # how much more a blow counts than any other frame of a road user


def loss_of(out: Output, batch: Batch) -> Tensor:
    """Whether: cross entropy of the score, and a crash above its counterfactual. When and where: of the heat, for
    crashes. What: of the type. And what the annotations say of road users."""
    loss = F.binary_cross_entropy_with_logits(out.score, batch.labels)
    crash, averted = batch.twins.unbind(dim=1)
    if len(crash):
        loss = loss + F.softplus(out.score[averted] - out.score[crash]).mean()
    # Without a crash no cell should be hot; a small weight, since there are thousands of cells.
    calm = batch.labels == 0
    if calm.any():
        loss = loss + 0.5 * F.softplus(out.heat[calm]).mean()
    hot = ~calm
    if hot.any():
        log_heat = out.heat[hot].flatten(1).log_softmax(dim=1)
        loss = loss - 0.25 * (batch.heat[hot].flatten(1) * log_heat).sum(dim=1).mean()
    if (batch.types >= 0).any():
        at_crash = (out.types * batch.heat[:, :, None]).sum(dim=(1, 3, 4))
        loss = loss + 0.3 * F.cross_entropy(at_crash, batch.types)
    if batch.known.any():
        loss = loss + _road_user_loss(out, batch)
    return loss


def _road_user_loss(out: Output, batch: Batch) -> Tensor:
    known = batch.known
    covered = batch.covered[known]
    weight = covered / covered.sum().clamp(min=1.0)
    seen = F.binary_cross_entropy_with_logits(out.covered[known], covered)
    collided = F.binary_cross_entropy_with_logits(out.collided[known], batch.collided[known], reduction="none")
    struck = batch.struck[known]
    blow = F.binary_cross_entropy_with_logits(out.struck[known], struck, reduction="none") * (1 + _RARE * struck)
    # A tenth of a cell a frame is a clear motion.
    moved = F.smooth_l1_loss(10 * out.motion[known], 10 * batch.motion[known], reduction="none").mean(dim=2)
    return seen + (weight * (0.5 * collided + 0.5 * moved + blow)).sum()
