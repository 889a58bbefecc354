"""The training job: data, epochs, checkpoints, divergence, several processes, results."""
