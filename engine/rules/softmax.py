"""Softmax, its logarithm, and log-sum-exp."""
