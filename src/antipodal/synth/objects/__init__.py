"""Objects of the generator: meshes, shapes made on the spot, stable poses, heaps."""
