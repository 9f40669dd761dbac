"""Speech as phones: what they are, when they sound, and how they move a face."""
