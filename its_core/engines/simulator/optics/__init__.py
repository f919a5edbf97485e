"""Camera geometry, sensor model, on-screen display, sunlight and shading."""
