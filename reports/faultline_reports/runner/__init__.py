"""Runs rounds for the commands that need more of them as they go. See README.md of this folder."""
