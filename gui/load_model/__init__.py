"""“Load model…”: choose one of torchvision's classification models; a plain PyTorch script is written and run."""
