"""What `scripts/prove-replay` proves, a module for each part."""
