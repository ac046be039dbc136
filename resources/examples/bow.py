"""The bow: the smallest training loop there is.

The bow has two settings, draw strength `w` and wind correction `b`. Each shot lands at `w*x + b`; the target is `y`.
"""

import torch

x = torch.tensor(2.0)
y = torch.tensor(5.0)
w = torch.tensor(0.5, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
archer = torch.optim.SGD([w, b], lr=0.05)

for shot in range(10):
    prediction = w * x + b
    loss = (prediction - y) ** 2

    archer.zero_grad()
    loss.backward()
    archer.step()
    print(f"shot {shot + 1}: landed at {prediction.item():.4f}, loss {loss.item():.6f}")
