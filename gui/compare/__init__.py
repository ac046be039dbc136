"""Two backward passes side by side: of two training steps, or of two recordings."""
