"""A whole plan on a GPU: functions of fixed shape that never wait for the host, so that one CUDA graph holds them.

What depends on the image is masked instead of cut out, random numbers come from outside, and what the twins of the
compiled kernels compute is taken from them. It runs on a CPU as well, slowly, which is how it is tested.
"""
