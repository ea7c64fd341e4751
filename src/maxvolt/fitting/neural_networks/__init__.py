"""Training of neural networks: the loss by automatic differentiation, Adam in minibatches."""
