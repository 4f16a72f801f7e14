"""Training of grasp-quality networks: samples, their order and variations, the loop, and what is reported of it."""
