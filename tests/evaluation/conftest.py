from tests.dataset.conftest import clips, published, work

__all__ = ["clips", "published", "work"]
