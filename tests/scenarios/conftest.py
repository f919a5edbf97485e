import sys
from pathlib import Path

from tests.s3.conftest import proxy, s3, server_url  # noqa: F401 (fixtures)

sys.path.insert(0, str(Path(__file__).parent))
