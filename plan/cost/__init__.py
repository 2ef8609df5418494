"""What a stack costs and whether its sizes carry its load: pure calculation, and text."""
