"""The worker under the name that the post-training guide's commands have, so that they run as they are typed:

torchrun --nproc_per_node=${NUM_GPUS} examples/video2world_lora.py --model_size 2B --dit_path … --use_lora …
"""

from its_core.shards.worker.__main__ import main

if __name__ == "__main__":
    main()
