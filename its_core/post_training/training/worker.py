"""The program that trains: ``torchrun --nproc_per_node=N -m its_core.post_training.training.worker --run_folder RUN``.

RUN holds ``run.json``. The same command goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from its_core import logs
from its_core.errors import FactoryError
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.torchrun import refuse
from its_core.shards.parent_death import die_with_parent

_log = logging.getLogger("its_core.post_training.training.worker")


def main() -> None:
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run_folder", type=Path, required=True, help="a run's folder")
    arguments = parser.parse_args()
    rank = int(os.environ.get("RANK", "0"))
    logs.configure(sys.stdout, f"[rank {rank}] %(message)s", rank=rank)
    try:
        from its_core.post_training.training.trainer import Trainer

        trainer = Trainer(RunFolder(arguments.run_folder.resolve()))
        trainer.train()
    except FactoryError as error:
        refuse(error)
    except OSError as error:
        refuse(error)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        refuse(
            FactoryError(
                f"{error}; what helps: activations: offload, context_parallel, resolution 480",
                code="post_training.out_of_memory",
            )
        )
    trainer.leave()


if __name__ == "__main__":
    main()
