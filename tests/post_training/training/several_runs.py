"""Trains one run after another in the same processes: ``torchrun … several_runs.py FOLDER FOLDER …``."""

import sys
from pathlib import Path

from its_core.post_training.run_folder import RunFolder
from its_core.post_training.training.trainer import Trainer

if __name__ == "__main__":
    for folder in sys.argv[1:]:
        trainer = Trainer(RunFolder(Path(folder)))
        trainer.train()
    trainer.leave()
