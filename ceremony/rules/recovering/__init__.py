"""A recovery: a quorum from paper brings keys back, for a reason and on an authority. Its steps, and its own rules."""
