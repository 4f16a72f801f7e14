"""Synthetic training data from meshes, after Dex-Net 2.0 (Mahler et al., RSS 2017)."""
