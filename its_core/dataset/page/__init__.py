"""``index.html`` of a version: one page with everything in it but the clips, which play from beside it."""
