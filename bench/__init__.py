"""How quick the product is, told as ratios to floors measured beside it in the same run."""
