"""How the columns of a dataset become the inputs, targets and weights of a training."""
