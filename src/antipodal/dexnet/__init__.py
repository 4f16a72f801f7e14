"""Import of Dex-Net's published weights and datasets."""
