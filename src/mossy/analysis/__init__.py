"""What records alone tell."""
