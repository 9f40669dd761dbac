"""Trains the listener that hears emotion in a voice: corpus, network, train, export, evaluate."""
