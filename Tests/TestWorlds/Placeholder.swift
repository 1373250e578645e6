// Builders follow.
