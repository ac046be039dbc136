"""Special functions: gamma, error and Bessel functions, and their relatives."""
