"""Parameters of maps from their statistics, and a test of the credible regions."""
