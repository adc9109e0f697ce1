"""Where people are: the terminal, the camera's picture, the printer's attendant."""
