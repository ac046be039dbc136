"""Between real and complex numbers, and within complex ones."""
