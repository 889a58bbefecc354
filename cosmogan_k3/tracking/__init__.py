"""The only folder that imports mlflow: runs, their evidence, and the model registry."""
