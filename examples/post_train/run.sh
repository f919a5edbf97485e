#!/usr/bin/env bash
# From the sample dataset's clips to a checkpoint, and from the checkpoint to a clip, by the guide's own command.
# `make demo` has published the clips. Needs the extra `cosmos`. BIN: the environment's folder of commands (default: this
# checkout's).
set -euo pipefail
cd "$(dirname "$0")"
BIN=${BIN:-../../.venv/bin}

[ -d checkpoints ] || "$BIN/its" make-tiny-checkpoint checkpoints --for-training
"$BIN/its" post-train .

RUN=.its/post_training/quickstart-tiny/run
"$BIN/python" - <<'FRAME'
from pathlib import Path
from PIL import Image
from its_core import video
clip = next(Path("../../published/quickstart").glob("*/val/**/*.mp4"))
Image.fromarray(next(iter(video.read_frames(clip)))).save("frame.png")
FRAME
"$BIN/torchrun" --standalone --nproc_per_node=1 -m its_core.shards.worker \
    --model_size tiny --checkpoints_dir checkpoints \
    --dit_path "$RUN/checkpoints/model/iter_000000100.pt" \
    --resolution 480 --input_path frame.png \
    --prompt "A static traffic CCTV camera shows a four-way intersection. A red sedan runs the red light and hits a white SUV." \
    --save_path clip.mp4 \
    --use_lora --lora_rank 32 --lora_alpha 32 \
    --lora_target_modules "q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2" \
    --disable_guardrail --disable_prompt_refiner
echo "rendered examples/post_train/clip.mp4; sample clips: examples/post_train/$RUN/samples"
