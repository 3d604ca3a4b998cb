"""`faultline gate`. See README.md of this folder."""
