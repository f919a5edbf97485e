"""The training set: named clips, their captions, latents and text embeddings, and the order in which they are drawn."""
