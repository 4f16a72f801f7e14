"""Compiled kernels, each with a plain torch or numpy twin that defines its answer."""
