"""The dominant colours of a product, not of what stands behind it, in the words of a palette."""
