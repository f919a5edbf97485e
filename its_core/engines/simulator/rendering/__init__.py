"""From a trace of moving bodies to frames and exact boxes: rasteriser passes, lights, compositing, visibility."""
