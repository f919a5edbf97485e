"""Where a version comes from: OpenLineage events of its build, and the attempts of every clip."""

FOLDER = "lineage"
EVENT_FILE = "run.json"  # the build's OpenLineage COMPLETE event
CLIPS_FILE = "clips.parquet"
