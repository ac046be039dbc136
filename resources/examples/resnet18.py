"""One image through ResNet-18, and the updates that follow.

The trained weights are used if this machine has them already, otherwise seeded random ones; the script says which.
"""

from pathlib import Path

import torch
from torchvision.models import ResNet18_Weights, resnet18

torch.manual_seed(0)
weights = ResNet18_Weights.DEFAULT
downloaded = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name).exists()
model = resnet18(weights=weights if downloaded else None)
print("weights:", f"pretrained, {weights}" if downloaded else "random, seed 0 (no trained ones on this machine)")

data = torch.rand(1, 3, 64, 64)
labels = torch.rand(1, 1000)
optim = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)

for step in range(3):
    prediction = model(data)
    loss = (prediction - labels).sum()

    optim.zero_grad()
    loss.backward()
    optim.step()
    print(f"step {step + 1}: loss {loss.item():.4f}")
