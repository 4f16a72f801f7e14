"""What is there, and seen from which side: inputs, the table, what stands on it, and the orthographic view."""
