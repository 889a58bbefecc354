"""The command line ``cosmogan``: the only folder that names flags."""
