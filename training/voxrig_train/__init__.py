"""Makes speech with phone times, trains the model, measures and packs it. Never imported at run time."""
