"""Images of the generator: cameras, rendering, sensor noise, views."""
