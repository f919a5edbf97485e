"""Commands about published versions."""
