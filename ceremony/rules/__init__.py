"""The ceremony's rules: steps, states, losses. No input, no output, no clock."""
