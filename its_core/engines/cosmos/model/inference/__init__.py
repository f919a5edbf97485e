"""What sampling runs: the network's weights packed, its element-wise steps fused, attention by the fastest kernel."""
