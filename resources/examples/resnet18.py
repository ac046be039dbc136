"""One image through ResNet-18, and the updates that follow.

The weights are seeded random ones, so that the script runs without a network; for trained ones, write
`resnet18(weights=ResNet18_Weights.DEFAULT)`.
"""

import torch
from torchvision.models import resnet18

torch.manual_seed(0)
model = resnet18(weights=None)
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
