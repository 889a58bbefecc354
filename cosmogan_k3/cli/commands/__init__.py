"""The commands of ``cosmogan``, one module each with a function ``run(config)``."""
