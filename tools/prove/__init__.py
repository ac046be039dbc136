"""The long proofs: every operator sample of PyTorch, every optimizer, one step of every torchvision model."""
