"""COCO's run lengths, by hand."""

import numpy as np
import pytest
import torch

from its_core.dataset.loading import truth
from its_core.dataset.loading.files import LoadError

# 3 rows, 4 columns; run lengths go down the columns: 1 zero, 2 ones, 3 zeros, 1 one, 5 zeros.
PICTURE = np.array([[0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], bool)
# 1, 2, 3 as they are; from the fourth on differences to the last but one: 1 - 2 = -1 and 5 - 3 = 2. A character is five
# bits and 48: -1 is 31, so 'O'.
COUNTS = "123O2"


def test_run_lengths_are_read_down_the_columns() -> None:
    assert (truth.decode_rle(COUNTS, 3, 4) == PICTURE).all()


def test_long_runs_take_several_characters() -> None:
    # 40 = 0b01000 | 1 << 5: the low five bits with the flag for more (8 + 32), then 1.
    assert truth._unpacked("X1") == [40]


def test_runs_that_do_not_fill_the_picture_are_refused() -> None:
    with pytest.raises(LoadError) as refused:
        truth.decode_rle("12", 3, 4)
    assert refused.value.code == "load.truth_unreadable"


def test_masks_come_in_the_order_of_the_boxes() -> None:
    state = {"frame": 0, "visible_box": [0, 0, 2, 2], "speed_mps": 1.0, "mask": COUNTS}
    track = {"track_id": 5, "type": "sedan", "role": "bystander", "frames": [state]}
    found = truth.tensors(
        {"tracks": [track], "camera": {"height_px": 3, "width_px": 4}}, [0], (6, 8), (2.0, 2.0), ["boxes", "masks"]
    )
    assert torch.equal(found["masks"][0], torch.from_numpy(np.kron(PICTURE, np.ones((2, 2), bool))))
    assert found["boxes"].tolist() == [[0, 0, 4, 4]]
