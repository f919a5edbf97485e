"""A program that is killed before it gets anywhere: ``python -m tests.post_training.training.dies_at_once``."""

import os
import signal

if __name__ == "__main__":
    os.kill(os.getpid(), signal.SIGKILL)
