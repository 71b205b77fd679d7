"""A model with all that an app developer or a Raspberry Pi needs around it. No TensorFlow."""
