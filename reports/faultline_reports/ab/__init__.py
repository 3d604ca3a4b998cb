"""`faultline ab`. See README.md of this folder."""
