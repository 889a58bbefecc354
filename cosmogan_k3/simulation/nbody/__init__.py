"""Particle-mesh simulations of matter, and light cones through them."""
