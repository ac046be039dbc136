"""Activations: what a neuron lets through."""
